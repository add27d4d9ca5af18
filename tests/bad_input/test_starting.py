"""Before anything runs: an old Python, wrong usage, two starts at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labsupport.commands.labs import port_turn
from labsupport.postgres import embedded_status, stop_embedded
from tests.commands.running import Lab, command, end_processes_of
from tests.homes import processes_of

AS_IF_OLD = (
    "import sys; sys.version_info = ({major}, {minor}, 18, 'final', 0); "
    "from labsupport.commands.launcher import main; sys.exit(main(['lab']))"
)


@pytest.fixture
def bare(tmp_path: Path, clone: Path) -> Path:
    """The lab's code alone: what is there before any set-up."""
    shutil.copytree(clone / "labsupport", tmp_path / "clone" / "labsupport")
    return tmp_path / "clone"


def ask(bare: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments,
        cwd=bare,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def old_pythons() -> list[str]:
    """Return the Pythons of this machine that are too old and can read the lab's sentence."""
    found = []
    for minor in (8, 9, 10):
        path = shutil.which(f"python3.{minor}")
        if (
            path
            and subprocess.run([path, "-c", ""], capture_output=True, timeout=30).returncode == 0
        ):
            found.append(path)
    return found


@pytest.mark.parametrize(("major", "minor"), [(3, 8), (3, 10)])
def test_an_old_python_gets_one_sentence(bare: Path, major: int, minor: int) -> None:
    # Where this machine has old Pythons, they are asked as well as this one in their place.
    code = AS_IF_OLD.format(major=major, minor=minor)
    starts = [
        [sys.executable, "-c", code],
        *([path, "-m", "labsupport", "lab"] for path in old_pythons()),
    ]
    for start in starts:
        done = ask(bare, start)
        assert done.returncode == 1, done
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "This is Python 3." in done.stderr and "needs Python 3.11 or newer" in done.stderr
        assert "https://www.python.org/downloads/" in done.stderr
    assert [path.name for path in bare.iterdir()] == ["labsupport"]


@pytest.mark.parametrize(
    "arguments",
    [["lab", "--port", "99999"], ["test", "--only", "some"], ["doctor", "--fix"],
     ["reset", "01", "02"], ["stop", "now"], ["start"], []],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_begins_nothing(bare: Path, arguments: list[str]) -> None:
    done = ask(bare, command(*arguments))
    assert done.returncode == 2
    *_, last = done.stderr.splitlines()
    assert done.stderr.startswith("usage: python3 -m labsupport") and ": error: " in last
    assert [path.name for path in bare.iterdir()] == ["labsupport"]


def test_two_labs_that_start_at_once(clone: Path, home: Path) -> None:
    # Both stand before the choice of a port before either may go on.
    with port_turn():
        labs = [Lab(clone), Lab(clone)]
        try:
            for lab in labs:
                lab.wait_for("Starting JupyterLab")
            time.sleep(2)
            assert not any("?token=" in lab.said for lab in labs)
        except BaseException:
            end_processes_of(clone)
            raise
    try:
        for lab in labs:
            lab.ready()
        assert labs[0].address != labs[1].address
        assert len(embedded_status()) == 1
        assert sum("Starting PostgreSQL" in lab.said for lab in labs) == 1
        assert sum("Loading the sample data" in lab.said for lab in labs) == 1
        assert [lab.interrupt() for lab in labs] == [0, 0]
        assert sum("Stopped PostgreSQL" in lab.said for lab in labs) == 1
        assert processes_of(home) == []
    finally:
        stop_embedded()
        end_processes_of(clone)
