"""`test` runs both parts, always, and says which failed; other parts run when asked for."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport.commands import launcher, run_tests
from labsupport.commands.arguments import make_parser
from labsupport.commands.bootstrap import BROWSER, TESTER
from labsupport.commands.run_tests import DEEP, PARTS, Part
from labsupport.errors import LabError
from labsupport.postgres import embedded_status
from tests.commands.running import ROOT
from tests.homes import alive, temporary_home, wait_until


@pytest.fixture(scope="module", autouse=True)
def home() -> Iterator[Path]:
    """The command looks at the servers of this home, not at a developer's."""
    with temporary_home() as folder:
        yield folder


@pytest.fixture
def few_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pytest that is started here loads what the parts need to be understood, and no more.

    All plugins together take seconds to load, in each worker again.
    """
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "xdist,pytest_timeout")


def options(*arguments: str) -> argparse.Namespace:
    """What `test` gets when a person types these arguments."""
    return make_parser().parse_args(["test", *arguments])


@pytest.fixture
def server_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of the notebooks is not looked at."""
    monkeypatch.setattr(run_tests, "check_server", lambda: None)


@pytest.mark.usefixtures("server_is_fine")
@pytest.mark.parametrize(
    ("codes", "expected"), [((0, 0), 0), ((1, 0), 1), ((0, 1), 1), ((5, 0), 1)]
)
def test_both_parts_always_run(
    codes: tuple[int, int],
    expected: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ran: list[str] = []

    def stand_in(part: Part) -> int:
        ran.append(part.name)
        return codes[len(ran) - 1]

    monkeypatch.setattr(run_tests, "run_part", stand_in)
    assert run_tests.run(options()) == expected
    assert ran == ["unit", "notebooks"]
    assert capsys.readouterr().out.count("FAILED") == sum(code != 0 for code in codes)


@pytest.mark.usefixtures("server_is_fine")
def test_one_part_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr(run_tests, "run_part", lambda part: len(ran.append(part.name) or ""))
    assert run_tests.run(options("--only", "notebooks")) == 0
    assert ran == ["notebooks"]


def test_a_server_that_cannot_be_used_is_said_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DB_HOST", "127.0.0.1")
    monkeypatch.setenv("DB_PORT", "abc")
    monkeypatch.setattr(run_tests, "run_part", lambda part: pytest.fail("it ran"))
    with pytest.raises(LabError, match="DB_PORT is 'abc'"):
        run_tests.run(options())


def test_the_server_is_looked_at_before_the_notebooks_and_left_as_it_was(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    running: list[int] = []
    monkeypatch.setattr(
        run_tests, "run_part", lambda part: len(running.append(len(embedded_status())) or "")
    )
    assert run_tests.run(options("--only", "notebooks")) == 0
    assert running == [1]
    assert embedded_status() == []


@pytest.mark.parametrize("name", ["browser", "deep"])
def test_what_needs_more_or_takes_long_is_a_part_of_its_own(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(run_tests, "find_chromium", lambda: "a browser")
    monkeypatch.setattr(run_tests, "check_server", lambda: pytest.fail("it was looked at"))
    monkeypatch.setattr(run_tests, "run_part", lambda part: len(ran.append(part.name) or ""))
    assert run_tests.run(options(f"--{name}")) == 0
    assert ran == [name]


def test_without_a_browser_its_part_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(run_tests, "run_part", lambda part: pytest.fail("it ran"))
    with pytest.raises(LabError, match="neither Chromium nor Chrome was found"):
        run_tests.run(options("--browser"))


def test_its_own_lock_is_installed_for_the_browser() -> None:
    assert launcher._needs(options("--browser")) is BROWSER
    assert launcher._needs(options()) is TESTER
    assert set(TESTER.covers) < set(BROWSER.covers)


@pytest.mark.usefixtures("few_plugins")
def test_the_tests_leave_out_what_is_a_part_of_its_own(tmp_path: Path) -> None:
    for folder in ("postgres", "browser", "deep"):
        (tmp_path / "tests" / folder).mkdir(parents=True)
        test = tmp_path / "tests" / folder / f"test_{folder}.py"
        test.write_text("def test_it():\n    pass\n", encoding="utf-8")
    assert collected(tmp_path, PARTS[0]) == ["tests/postgres/test_postgres.py::test_it"]
    assert collected(tmp_path, DEEP) == ["tests/deep/test_deep.py::test_it"]
    assert collected(tmp_path, run_tests.BROWSER) == ["tests/browser/test_browser.py::test_it"]


def collected(folder: Path, part: Part) -> list[str]:
    """Return the names of the tests that a part would run in `folder`."""
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", *part.arguments, "--collect-only", "-q"],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    return [line for line in listed.stdout.splitlines() if "::" in line]


@pytest.mark.parametrize("part", [*PARTS, DEEP, run_tests.BROWSER], ids=lambda part: part.name)
def test_every_part_tells_its_ten_slowest(part: Part) -> None:
    assert "--durations=10" in part.arguments
    assert (ROOT / next(word for word in part.arguments if word[0] != "-")).is_dir()


def test_the_notebooks_are_run_by_nbval_in_this_environment() -> None:
    unit, notebooks = PARTS
    assert "tests" in unit.arguments
    assert {"--nbval-lax", "--nbval-current-env", "notebooks"} <= set(notebooks.arguments)


@pytest.mark.usefixtures("few_plugins")
def test_a_part_returns_what_pytest_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_tests, "project_root", lambda: tmp_path)
    assert run_tests.run_part(Part("none", "", (".",))) == 5
    (tmp_path / "test_one.py").write_text("def test_one():\n    assert 0\n", encoding="utf-8")
    assert run_tests.run_part(Part("one", "", (".",))) == 1
    assert "1 failed" in capfd.readouterr().out


SLOW = """import os, pathlib, subprocess, sys, pytest

@pytest.fixture
def something():
    yield
    (pathlib.Path("tidied") / str(os.getpid())).touch()

def test(something):
    (pathlib.Path("running") / str(os.getpid())).touch()
    subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"])
"""
RUN = (
    "import sys; from pathlib import Path; from labsupport.commands import run_tests; "
    "run_tests.project_root = Path.cwd; "
    "arguments = ('-p', 'no:cacheprovider', *sys.argv[1:], '.'); "
    "run_tests.run_part(run_tests.Part('slow', '', arguments))"
)


def pids(folder: Path) -> set[int]:
    """The processes that left a file with their number."""
    return {int(path.name) for path in folder.iterdir()}


@pytest.mark.usefixtures("few_plugins")
@pytest.mark.parametrize("workers", [0, 2], ids=["itself", "its workers"])
def test_ctrl_c_ends_pytest_in_its_order(tmp_path: Path, workers: int) -> None:
    for name in ("running", "tidied"):
        (tmp_path / name).mkdir()
    for number in range(max(1, workers)):
        (tmp_path / f"test_{number}.py").write_text(SLOW, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "-n", str(workers), "--dist", "loadfile"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    wait_until(lambda: len(pids(tmp_path / "running")) == max(1, workers), "the tests run")
    os.kill(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=40)
    assert "no tests ran" in said or "KeyboardInterrupt" in said
    assert not any(alive(pid) for pid in pids(tmp_path / "running"))
    assert pids(tmp_path / "tidied") == pids(tmp_path / "running")
    assert process.returncode != 0
