"""`.venv` is made, completed, remade: whatever the last set-up left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labsupport.commands import bootstrap
from labsupport.commands.bootstrap import (
    LEARNER,
    TESTER,
    Needs,
    ensure_venv,
    is_ready,
    venv_python,
    write_stamp,
)
from labsupport.commands.setup_lock import setup_lock
from labsupport.errors import LabError
from tests.commands.running import ROOT
from tests.homes import wait_until

SET_UP = (
    "import sys; from labsupport.commands.bootstrap import LEARNER, ensure_venv; "
    "ensure_venv(sys.argv[1], LEARNER, lambda text: print(text, flush=True))"
)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A clone with locks that name no package, so that setting it up needs no network."""
    for lock in TESTER.covers:
        (tmp_path / lock).write_text("# nothing\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def stamped(bare: Path) -> Path:
    """A clone whose `.venv` says that it is complete for a learner."""
    python = Path(venv_python(str(bare)))
    python.parent.mkdir(parents=True)
    python.touch()
    write_stamp(str(bare), LEARNER)
    return bare


def set_up(clone: Path, needs: Needs = LEARNER) -> list[str]:
    """Set `clone` up and return what was said."""
    said: list[str] = []
    assert ensure_venv(str(clone), needs, said.append) == venv_python(str(clone))
    return said


def works(clone: Path) -> bool:
    """Whether the Python of `.venv` runs and has pip."""
    done = subprocess.run([venv_python(str(clone)), "-c", "import pip"], timeout=60, check=False)
    return done.returncode == 0


def start_set_up(clone: Path) -> subprocess.Popen[str]:
    """Set `clone` up in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", SET_UP, str(clone)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=os.name != "nt",
    )


def test_the_first_set_up_says_what_it_will_do_and_the_second_nothing(bare: Path) -> None:
    assert "about 130 MB" in set_up(bare)[0]
    assert works(bare)
    assert set_up(bare) == []
    # The tests need more: the .venv is completed and kept.
    mark = bare / ".venv" / "mark"
    mark.touch()
    assert "about 180 MB" in set_up(bare, TESTER)[0]
    assert mark.exists()
    assert set_up(bare, LEARNER) == set_up(bare, TESTER) == []
    # What an interrupted installation may have broken is not completed but remade.
    assert bootstrap._can_be_completed(str(bare))
    interrupt(bare)
    assert not bootstrap._can_be_completed(str(bare))
    (bare / ".venv" / bootstrap.UNFINISHED).unlink()
    # A Python that has gone away.
    Path(venv_python(str(bare))).unlink()
    assert not is_ready(str(bare), LEARNER)
    assert set_up(bare)[-1] == "The set-up is complete."
    assert works(bare)
    assert not mark.exists()


def test_a_killed_set_up_is_completed_by_the_next(bare: Path) -> None:
    process = start_set_up(bare)
    wait_until((bare / ".venv" / bootstrap.UNFINISHED).exists, "the set-up has begun")
    if os.name == "nt":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)
    assert not is_ready(str(bare), LEARNER)
    set_up(bare)
    assert works(bare)
    assert is_ready(str(bare), LEARNER)
    assert not (bare / ".venv" / bootstrap.UNFINISHED).exists()


def test_two_set_ups_at_once_do_the_work_once(bare: Path) -> None:
    processes = [start_set_up(bare), start_set_up(bare)]
    said = [process.communicate(timeout=100)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted("Setting up" in text for text in said) == [False, True]
    assert sorted("Another set-up" in text for text in said) == [False, True]
    assert works(bare)


def test_a_failed_installation_names_cause_and_log_and_leaves_nothing(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    (bare / "requirements.txt").write_text("not-there==1.0\n", encoding="utf-8")
    with pytest.raises(LabError) as refused:
        set_up(bare)
    log = bare / ".venv" / bootstrap.LOG
    assert "not there for this Python" in str(refused.value)
    assert str(log) in str(refused.value)
    assert "not-there==1.0" in log.read_text(encoding="utf-8")
    assert {path.name for path in (bare / ".venv").iterdir()} == {bootstrap.LOG, bootstrap.LOCK}


def test_a_wheel_folder_is_enough(
    bare: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    source = tmp_path_factory.mktemp("source")
    make_wheel(bare / "wheels", source)
    (bare / "requirements.txt").write_text("tiny-thing==1.0\n", encoding="utf-8")
    set_up(bare)
    subprocess.run([venv_python(str(bare)), "-c", "import tiny_thing"], check=True, timeout=60)


def make_wheel(folder: Path, source: Path) -> None:
    """Write the wheel of a package with one empty module; a wheel is a ZIP with four files."""
    import zipfile

    folder.mkdir()
    info = "tiny_thing-1.0.dist-info"
    files = {
        "tiny_thing.py": "",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(folder / "tiny_thing-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)


def change_lock(clone: Path) -> None:
    (clone / "requirements.txt").write_text("# other\n", encoding="utf-8")


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


def change_stamp(clone: Path, key: str, value: str) -> None:
    stamp = clone / ".venv" / bootstrap.STAMP
    content = json.loads(stamp.read_text(encoding="utf-8"))
    assert key in content
    stamp.write_text(json.dumps({**content, key: value}), encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        change_lock,
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
