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


def old_pythons() -> dict[str, str]:
    """Return the Pythons of this machine that are too old and can read the lab's sentence.

    They are found in the PATH, as pyenv installs them, and in LAB_OLD_PYTHONS, which names
    programs as PATH names folders. The path of each stands by its version; one suffices.
    """
    named = os.environ.get("LAB_OLD_PYTHONS", "").split(os.pathsep)
    installed = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    paths = [path for path in named if path]
    for minor in (8, 9, 10):
        name = f"python3.{minor}"
        paths += [str(path) for path in sorted(installed.glob(f"*/bin/{name}"))]
        paths += [path] if (path := shutil.which(name)) else []
    found: dict[str, str] = {}
    for path in paths:
        version = version_of(path)
        if version in ("3.8", "3.9", "3.10"):
            found.setdefault(version, path)
    assert all(version_of(path) for path in named if path), "LAB_OLD_PYTHONS names no Python"
    return found


def version_of(path: str) -> str:
    """Return the version of a Python, or nothing if it does not run (as a shim may not)."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [path, "-c", code], capture_output=True, encoding="utf-8", timeout=30, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10"])
def test_an_old_python_gets_one_sentence(
    bare: Path, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # Where this machine has that Python, it is asked as well as this one in its place.
    major, minor = version.split(".")
    starts = [[sys.executable, "-c", AS_IF_OLD.format(major=major, minor=minor)]]
    real = old_pythons().get(version)
    if real:
        starts.append([real, "-m", "labsupport", "lab"])
    for start in starts:
        done = ask(bare, start)
        assert done.returncode == 1, done
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert f"This is Python {version}." in done.stderr
        assert "needs Python 3.11 or newer" in done.stderr
        assert "https://www.python.org/downloads/" in done.stderr
    assert [path.name for path in bare.iterdir()] == ["labsupport"]
    with capsys.disabled():
        asked = real or "none here, so that only its version was pretended"
        # From a worker of xdist stderr reaches the terminal, and stdout does not.
        print(f"\nPython {version} was asked: {asked}", file=sys.stderr)


def test_a_python_that_does_not_run_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = ".".join(map(str, sys.version_info[:2]))
    assert version_of(sys.executable) == version
    assert version_of(str(tmp_path / "none")) == ""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.setenv("LAB_OLD_PYTHONS", sys.executable)
    assert old_pythons() == {}  # It runs, and is not old.
    monkeypatch.setenv("LAB_OLD_PYTHONS", str(tmp_path / "none"))
    with pytest.raises(AssertionError, match="names no Python"):
        old_pythons()


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
