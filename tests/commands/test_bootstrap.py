"""`.venv` is made and completed, and is not ready when anything about it has changed.

What a set-up does that is stopped, that fails or meets another one is in tests/deep.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from labsupport.commands import bootstrap
from labsupport.commands.bootstrap import (
    LEARNER,
    TESTER,
    WORKSHOP,
    is_ready,
    venv_python,
    write_stamp,
)
from labsupport.commands.setup_lock import setup_lock
from labsupport.errors import LabError
from tests.commands.setting_up import make_bare, set_up, works


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A clone with locks that name no package, so that setting it up needs no network."""
    return make_bare(tmp_path)


@pytest.fixture
def stamped(bare: Path) -> Path:
    """A clone whose `.venv` says that it is complete for a learner."""
    python = Path(venv_python(str(bare)))
    python.parent.mkdir(parents=True)
    python.touch()
    write_stamp(str(bare), LEARNER)
    return bare


def test_the_first_set_up_says_what_it_will_do_and_the_second_nothing(bare: Path) -> None:
    assert "about 130 MB" in set_up(bare)[0]
    assert works(bare)
    assert set_up(bare) == []
    # The tests need more: the .venv is completed and kept, and only what is added is downloaded.
    mark = bare / ".venv" / "mark"
    mark.touch()
    assert "about 1 MB" in set_up(bare, WORKSHOP)[0]
    assert "about 50 MB" in set_up(bare, TESTER)[0]
    assert mark.exists()
    assert set_up(bare, LEARNER) == set_up(bare, TESTER) == []
    # What an interrupted installation may have broken is not completed but remade.
    assert bootstrap._can_be_completed(str(bare))
    interrupt(bare)
    assert not bootstrap._can_be_completed(str(bare))


def test_a_changed_lock_that_is_smaller_than_what_is_there_is_fetched_as_well(bare: Path) -> None:
    set_up(bare, TESTER)
    change_lock(bare)
    assert "about 130 MB" in set_up(bare)[0]


def change_lock(clone: Path) -> None:
    (clone / "requirements.txt").write_text("# other\n", encoding="utf-8")


def lose_lock(clone: Path) -> None:
    (clone / "requirements.txt").unlink()
    change_stamp(clone, "locks", {})


def move_clone(clone: Path) -> None:
    change_stamp(clone, "clone", "/elsewhere")


def change_python(clone: Path) -> None:
    change_stamp(clone, "python", "3.1")


def interrupt(clone: Path) -> None:
    (clone / ".venv" / bootstrap.UNFINISHED).touch()


def lose_python(clone: Path) -> None:
    Path(venv_python(str(clone))).unlink()


def spoil_stamp(clone: Path) -> None:
    (clone / ".venv" / bootstrap.STAMP).write_text("[1, 2", encoding="utf-8")


def replace_stamp(clone: Path) -> None:
    (clone / ".venv" / bootstrap.STAMP).write_text('{"locks": 3}', encoding="utf-8")


def change_stamp(clone: Path, key: str, value: object) -> None:
    stamp = clone / ".venv" / bootstrap.STAMP
    content = json.loads(stamp.read_text(encoding="utf-8"))
    assert key in content
    stamp.write_text(json.dumps({**content, key: value}), encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        change_lock,
        lose_lock,
        move_clone,
        change_python,
        interrupt,
        lose_python,
        spoil_stamp,
        replace_stamp,
    ],
)
def test_a_stamp_that_does_not_fit_is_not_ready(
    stamped: Path, change: Callable[[Path], None]
) -> None:
    assert is_ready(str(stamped), LEARNER)
    change(stamped)
    assert not is_ready(str(stamped), LEARNER)


def test_line_ends_do_not_matter(stamped: Path) -> None:
    (stamped / "requirements.txt").write_bytes(b"# nothing\r\n")
    assert is_ready(str(stamped), LEARNER)


def test_a_learners_set_up_is_not_enough_for_the_tests(stamped: Path) -> None:
    assert not is_ready(str(stamped), TESTER)
    write_stamp(str(stamped), TESTER)
    assert is_ready(str(stamped), TESTER)
    assert is_ready(str(stamped), LEARNER)


def test_a_python_without_ensurepip_is_told_which_package(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = bootstrap.importlib.util.find_spec
    monkeypatch.setattr(
        bootstrap.importlib.util,
        "find_spec",
        lambda name: None if name == "ensurepip" else find(name),
    )
    with pytest.raises(LabError, match=r"apt install python3\.\d+-venv"):
        set_up(bare)


def test_a_clone_that_cannot_be_written_to(bare: Path) -> None:
    # Root may write everywhere, but nobody makes a folder where a file is.
    (bare / ".venv").touch()
    with pytest.raises(LabError, match="cannot write to"):
        set_up(bare)


def test_a_missing_lock_is_named(bare: Path) -> None:
    (bare / "requirements.txt").unlink()
    with pytest.raises(LabError, match=r"requirements\.txt is missing"):
        set_up(bare)
    assert not (bare / ".venv").exists()


def test_the_lock_is_waited_for_with_a_limit(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    said: list[str] = []
    with setup_lock(path, said.append):
        assert said == []
        with pytest.raises(LabError, match="still running"), setup_lock(path, said.append, 0.5):
            raise AssertionError("the lock was held twice")
        assert len(said) == 1
    with setup_lock(path, said.append, 0.5):
        assert len(said) == 1
