"""`workshop progress` gathers what a room has brought, and names what it cannot read."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from labsupport.commands import workshop
from labsupport.commands.arguments import make_parser
from labsupport.commands.failures import guarded
from labsupport.exercises.spine import all_tasks
from labsupport.measuring import Comparison
from labsupport.workshop import gather
from tests.commands.running import ROOT

HEADLINE = ROOT / "data" / "reference" / "01_count_users.json"
SELECT_1 = ROOT / "data" / "reference" / "01_select_1.json"
SWEEP = ROOT / "data" / "reference" / "01_growing.json"
FIRST, SECOND = (task.id for task in all_tasks()[:2])


def progress_file(path: Path, **outcomes: str) -> None:
    """Write what the exercises would have written."""
    content = {
        {"first": FIRST, "second": SECOND}[name]: {"checks": 1, "outcome": outcome}
        for name, outcome in outcomes.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def copy(source: Path, path: Path) -> None:
    """Put a saved measurement where a participant would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(source.read_bytes())


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """Ann brought her whole `my_work`, Ben two files, Cem only a comparison."""
    folder = tmp_path / "room"
    progress_file(folder / "ann" / "progress.json", first="correct", second="not yet")
    progress_file(folder / "ann" / "kept" / "progress-1.json", second="correct")
    (folder / "ann" / "predictions.json").write_text('{"01.1": 4}', encoding="utf-8")
    (folder / "ann" / "notes.txt").write_text("not read", encoding="utf-8")
    copy(HEADLINE, folder / "ann" / "results" / "mine.json")
    progress_file(folder / "ben.progress.json", first="not yet")
    copy(HEADLINE, folder / "ben.measure.json")
    copy(HEADLINE, folder / "cem.json")
    return folder


def run(
    capsys: pytest.CaptureFixture[str], folder: Path, *more: str, fails_with: int = 0
) -> list[str]:
    """Run `workshop progress` and return the lines that it printed."""
    options = make_parser().parse_args(["workshop", "progress", str(folder), *more])
    code = guarded(lambda: workshop.run(options))
    said = capsys.readouterr()
    assert code == fails_with, said.out + said.err
    return (said.out + said.err).splitlines()


def test_everybody_has_a_row(
    room: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, picture = tmp_path / "table.csv", tmp_path / "room.svg"
    lines = run(capsys, room, "--csv", str(table), "--plot", str(picture))
    whole = len(all_tasks())
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:5]}
    assert list(rows) == ["ann", "ben", "cem", "all"]
    assert "".join(rows["ann"]).startswith("+o") or rows["ann"][:2] == ["+", "o"]
    assert [" ".join(rows[name][-3:]) for name in ("ann", "ben", "cem")] == [
        f"1 of {whole}",
        f"0 of {whole}",
        f"0 of {whole}",
    ]
    assert rows["all"][-1] == "1"
    assert any("Of 3 comparisons" in line for line in lines)
    with table.open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["participant"] for row in written] == ["ann", "ben", "cem"]
    assert [row[FIRST] for row in written] == ["correct", "not yet", "-"]
    assert [row[SECOND] for row in written] == ["not yet", "-", "-"]
    assert [row["correct"] for row in written] == ["1", "0", "0"]
    drawn = picture.read_text(encoding="utf-8")
    assert "<svg" in drawn


def test_what_was_correct_once_stays_so(tmp_path: Path) -> None:
    for name, outcome in {"a": "not yet", "b": "correct", "c": "not yet"}.items():
        progress_file(tmp_path / "ann" / f"{name}.json", first=outcome)
    assert gather(tmp_path).outcomes["ann"][FIRST] == "correct"


BROKEN = {
    "empty.json": (b"", "is empty"),
    "spaces.json": (b" \n", "is empty"),
    "half.json": (b'{"1.1": {"outcome": "corr', "is broken"),
    "latin.json": (b'{"\xe9": 1}', "is broken"),
    "list.json": (b"[1, 2]", "is neither progress nor a measurement"),
    "foreign.json": (b'{"name": "x"}', "is neither progress nor a measurement"),
    "deep.json": (b"[" * 100_000, "is broken"),
    "notebook.json": (b'{"cells": [], "nbformat": 4}', "is neither progress"),
    "cut.json": (HEADLINE.read_bytes()[:-5000], "is broken"),
    "version.json": (HEADLINE.read_bytes().replace(b'"version": ', b'"version": 9', 1), "version"),
    "count.json": (HEADLINE.read_bytes().replace(b'"count": ', b'"count": 7', 1), "is broken"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_named_and_the_others_are_counted(
    room: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    content, reason = BROKEN[name]
    (room / "ann" / name).write_bytes(content)
    (room / name).write_bytes(content)
    lines = run(capsys, room, fails_with=1)
    named = [line for line in lines if line.startswith("Left out: ")]
    assert len(named) == 2
    assert all(name in line and reason in line for line in named)
    assert gather(room).solved("ann") == 1
    assert list(gather(room).outcomes) == ["ann", "ben", "cem"]


def test_what_has_no_place_here_is_said_and_is_no_failure(
    room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy(SWEEP, room / "ben" / "growing.json")
    copy(SELECT_1, room / "dora.json")
    other = Comparison.load(HEADLINE)
    renamed = {
        f"way {n}": replace(r, name=f"way {n}") for n, r in enumerate(other.results.values())
    }
    replace(other, results=renamed).save(room / "ben" / "ways.json")
    lines = "\n".join(run(capsys, room))
    assert "growing.json holds a sweep" in lines
    assert "ways.json compares something else" in lines
    assert "The comparison of dora ran another query" in lines


def test_the_comparison_of_lesson_01_is_preferred_and_of_these_the_newest(tmp_path: Path) -> None:
    newest = Comparison.load(HEADLINE)
    older = replace(newest, conditions=replace(newest.conditions, when="2020-01-01T00:00:00"))
    folder = tmp_path / "ann"
    folder.mkdir()
    copy(SELECT_1, folder / "z.json")
    older.save(folder / "a.json")
    newest.save(folder / "b.json")
    older.save(folder / "c.json")
    chosen = gather(tmp_path).comparisons["ann"]
    assert chosen.conditions.when == newest.conditions.when
    assert chosen.conditions.facts["query"] == "SELECT count(*) FROM users"


def test_the_rooms_distribution(room: Path) -> None:
    gathered = gather(room)
    assert gathered.room is not None
    ratio = Comparison.load(HEADLINE).ratio().median
    assert (gathered.room.participants, gathered.room.middle) == (3, ratio)
    assert list(gathered.overlay.comparisons) == ["ann", "ben", "cem"]


@pytest.mark.parametrize("where", ["missing", "file", "empty"])
def test_a_folder_with_nothing_of_anybody(
    tmp_path: Path, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    lines = run(capsys, tmp_path / where, fails_with=1)
    assert len(lines) == 1
    assert str(tmp_path / where) in lines[0]


@pytest.mark.parametrize("option", ["--csv", "--plot"])
def test_a_file_that_cannot_be_written(
    room: Path, tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = run(capsys, room, option, str(tmp_path / "missing" / "out.png"), fails_with=1)
    assert "cannot be written" in lines[-1]


def test_without_a_comparison_there_is_no_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    progress_file(tmp_path / "room" / "ann.json", first="correct")
    picture = tmp_path / "out.png"
    lines = run(capsys, tmp_path / "room", "--plot", str(picture))
    assert any("There is no picture" in line for line in lines)
    assert not picture.exists()
