"""`reset 1.2` and `reset 11` give exercises back and keep what the learner had."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import pytest

from labsupport.commands import pristine, reset, reset_exercise
from labsupport.errors import LabError
from labsupport.exercises import Result, keeping, progress
from tests.exercises.notebooks import NOTEBOOKS, checked_cells

NAME = "11_exercise_basic_pool"


@pytest.fixture
def book(tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with one exercise notebook, in which the first two are answered and correct."""
    clone = tmp_path / "clone"
    (clone / "notebooks").mkdir(parents=True)
    path = clone / "notebooks" / f"{NAME}.ipynb"
    shutil.copy(NOTEBOOKS / path.name, path)
    for module in (pristine, reset, reset_exercise):
        monkeypatch.setattr(module, "project_root", lambda: clone)
    monkeypatch.setattr(reset, "work_folder", lambda: work)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    pristine.keep_pristine_copies()
    for task_id in ("1.1", "1.2"):
        answer(path, task_id)
        keeping.record(Result(task_id, "correct", "Because."))
    return path


def answer(path: Path, task_id: str) -> None:
    """Write something of the learner's own into the cell of an exercise."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = notebook["cells"][checked_cells(path)[task_id].place - 1]
    cell["source"] = [f'mine = "{task_id}"\n', f'await check("{task_id}", mine)']
    path.write_text(json.dumps(notebook), encoding="utf-8")


def said(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command prints."""
    assert reset.run(argparse.Namespace(name=name)) == 0
    return capsys.readouterr().out


def correct() -> set[str]:
    """The exercises that count as solved."""
    return {row[0] for row in progress().rows if row[2] == "correct"}


def test_one_exercise_is_fresh_and_the_others_stay(
    book: Path, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = book.read_bytes()
    assert "Exercise 1.2 is as it was published" in said("1.2", capsys)
    cells = checked_cells(book)
    published = checked_cells(NOTEBOOKS / book.name)
    assert cells["1.2"].source == published["1.2"].source
    assert cells["1.1"].source.startswith("mine")
    assert correct() == {"1.1"}
    (copy,) = (work / "kept").glob("*.ipynb")
    assert copy.read_bytes() == before
    assert "its progress is forgotten" in said("1.2", capsys)


def test_a_whole_notebook_forgets_its_exercises(
    book: Path, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keeping.record(Result("3.4", "correct", "Because."))
    assert "is fresh again" in said("11", capsys)
    assert book.read_bytes() == (NOTEBOOKS / book.name).read_bytes()
    assert correct() == {"3.4"}
    assert len(list((work / "kept").glob("progress-*.json"))) == 1


@pytest.mark.parametrize("spoilt", ["", "{}", '{"cells": []}', '{"cells": [3]}'])
def test_a_notebook_without_the_cell_is_named(book: Path, spoilt: str) -> None:
    book.write_text(spoilt, encoding="utf-8")
    with pytest.raises(LabError, match=f"reset {NAME}"):
        reset.run(argparse.Namespace(name="1.2"))
    assert correct() == {"1.1", "1.2"}


def test_what_can_be_reset_is_listed(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "reset 1.2" in (text := said(None, capsys)) and NAME in text  # type: ignore[arg-type]
    with pytest.raises(LabError, match="such as 1.2"):
        reset.run(argparse.Namespace(name="9.9"))
