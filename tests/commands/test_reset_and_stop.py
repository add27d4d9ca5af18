"""`reset` gives back what was published and keeps the learner's; `stop` stops and removes."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from labsupport.commands import pristine, reset
from labsupport.commands.stop import OURS, remove_state
from labsupport.errors import LabError
from labsupport.places import APPLICATION
from tests.commands.running import ROOT, run
from tests.homes import processes_of


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with one notebook, and a state folder."""
    clone = tmp_path / "clone"
    notebook = clone / "notebooks" / "01_first.ipynb"
    notebook.parent.mkdir(parents=True)
    notebook.write_text("published", encoding="utf-8")
    for module in (pristine, reset):
        monkeypatch.setattr(module, "project_root", lambda: clone)
    monkeypatch.setattr(reset, "work_folder", lambda: clone / "my_work")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    return notebook


def commit(clone: Path) -> None:
    """Make `clone` a git repository with everything in it committed."""
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for arguments in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", str(clone), *arguments], check=True, timeout=30)


def kept(clone: Path) -> list[str]:
    """What the learner's kept versions say."""
    files = (clone / "my_work").glob("kept/01_first-*.ipynb")
    return [file.read_text(encoding="utf-8") for file in files]


@pytest.mark.parametrize("with_git", [True, False], ids=["git", "copies"])
def test_a_notebook_is_fresh_again_and_the_learners_is_kept(book: Path, with_git: bool) -> None:
    clone = book.parents[1]
    if with_git:
        if shutil.which("git") is None:
            pytest.fail("these tests need git")
        commit(clone)
    pristine.keep_pristine_copies()
    assert pristine._copies().exists() is not with_git
    book.write_text("mine", encoding="utf-8")
    pristine.keep_pristine_copies()
    assert pristine.notebook_names() == ["01_first"]
    assert "is fresh again" in reset.reset_notebook("01_first")
    assert book.read_text(encoding="utf-8") == "published"
    assert kept(clone) == ["mine"]
    assert "nothing was changed" in reset.reset_notebook("01_first")
    assert kept(clone) == ["mine"]


def test_a_deleted_notebook_comes_back(book: Path) -> None:
    pristine.keep_pristine_copies()
    book.unlink()
    reset.reset_notebook("01_first")
    assert book.read_text(encoding="utf-8") == "published"
    assert kept(book.parents[1]) == []


@pytest.mark.parametrize("text", ["01", "01_first", "01_first.ipynb"])
def test_a_notebook_has_several_names(book: Path, text: str) -> None:
    pristine.keep_pristine_copies()
    assert reset._notebook_named(text) == "01_first"


@pytest.mark.parametrize("text", ["02", "first", "", "../01_first"])
def test_an_unknown_name_is_answered_with_the_known_ones(book: Path, text: str) -> None:
    pristine.keep_pristine_copies()
    with pytest.raises(LabError, match="01_first, database"):
        reset._notebook_named(text)


def test_reset_and_stop_on_a_real_clone(clone: Path, home: Path) -> None:
    listed = run(clone, "reset")
    assert listed.returncode == 0
    assert "reset database" in listed.stdout
    assert run(clone, "reset", "77").returncode == 1
    fresh = run(clone, "reset", "database")
    assert fresh.returncode == 0, fresh.stderr
    assert "made anew" in fresh.stdout
    assert processes_of(home) == []
    nothing = run(clone, "stop")
    assert nothing.returncode == 0
    assert "No PostgreSQL of this clone was running." in nothing.stdout
    (home / "mine.txt").touch()
    removed = run(clone, "stop", "--remove")
    assert removed.returncode == 0
    assert "servers" in removed.stdout
    assert os.listdir(home) == ["mine.txt"]


def test_an_empty_state_folder_goes_too(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    (folder / "servers" / "18").mkdir(parents=True)
    assert str(folder) in remove_state(folder)
    assert not folder.exists()
    assert "nothing to delete" in remove_state(folder)


def test_a_state_folder_that_has_to_stay_is_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mounted(folder: Path) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy", str(folder))

    (tmp_path / "servers" / "18").mkdir(parents=True)
    # As for a folder on which a disk is mounted.
    monkeypatch.setattr(Path, "rmdir", mounted)
    assert "Deleted servers" in remove_state(tmp_path)
    assert os.listdir(tmp_path) == []


def test_our_own_folder_goes_when_it_held_the_last_clones_state(tmp_path: Path) -> None:
    clones = [tmp_path / APPLICATION / name for name in ("one", "two")]
    for folder in clones:
        (folder / "servers").mkdir(parents=True)
    remove_state(clones[0])
    assert os.listdir(tmp_path / APPLICATION) == ["two"]
    remove_state(clones[1])
    assert os.listdir(tmp_path) == []


def test_the_folder_above_a_chosen_one_stays(tmp_path: Path) -> None:
    (tmp_path / "mine" / "state" / "servers").mkdir(parents=True)
    remove_state(tmp_path / "mine" / "state")
    assert os.listdir(tmp_path / "mine") == []


def test_everything_that_the_lab_puts_into_its_state_folder_is_removed(tmp_path: Path) -> None:
    places = re.compile(r'\bstate_folder\(\)(?: / |\.glob\(|\), )f?"(\w+)')
    sources = (ROOT / "labsupport").rglob("*.py")
    named = {name for file in sources for name in places.findall(file.read_text(encoding="utf-8"))}
    assert {"servers", "own", "logs", "clone_name"} <= named
    assert named <= set(OURS)
    for name in named:
        (tmp_path / "state" / name / "inside").mkdir(parents=True)
    remove_state(tmp_path / "state")
    assert os.listdir(tmp_path) == []
