"""Before anything runs: an old Python, wrong usage."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.running import command

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
