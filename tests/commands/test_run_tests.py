"""`test` runs both parts, always, and says which failed."""

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
from labsupport.commands.run_tests import PARTS, Part
from labsupport.errors import LabError
from tests.commands.running import ROOT
from tests.homes import alive, temporary_home, wait_until


@pytest.fixture(scope="module", autouse=True)
def home() -> Iterator[Path]:
    """The command looks at the servers of this home, not at a developer's."""
    with temporary_home() as folder:
        yield folder


def options(*arguments: str) -> argparse.Namespace:
    """What `test` gets when a person types these arguments."""
    return make_parser().parse_args(["test", *arguments])


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


def test_the_browser_is_a_part_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr(run_tests, "find_chromium", lambda: "a browser")
    monkeypatch.setattr(run_tests, "run_part", lambda part: len(ran.append(part.name) or ""))
    assert run_tests.run(options("--browser")) == 0
    assert ran == ["browser"]


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


def test_the_tests_without_a_browser_leave_those_with_one_out() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", *PARTS[0].arguments, "--collect-only", "-q"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert "tests/commands/test_run_tests.py::" in listed.stdout
    assert "tests/browser" not in listed.stdout


def test_the_notebooks_are_run_by_nbval_in_this_environment() -> None:
    unit, notebooks = PARTS
    assert "tests" in unit.arguments
    assert {"--nbval-lax", "--nbval-current-env", "notebooks"} <= set(notebooks.arguments)


def test_a_part_returns_what_pytest_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_tests, "project_root", lambda: tmp_path)
    assert run_tests.run_part(Part("none", "", (".",))) == 5
    (tmp_path / "test_one.py").write_text("def test_one():\n    assert 0\n", encoding="utf-8")
    assert run_tests.run_part(Part("one", "", (".",))) == 1
    assert "1 failed" in capfd.readouterr().out


SLOW = """import os, pathlib, time

def test():
    pathlib.Path("pid").write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(60)
"""
RUN = (
    "import sys; from pathlib import Path; from labsupport.commands import run_tests; "
    "run_tests.project_root = Path.cwd; "
    "run_tests.run_part(run_tests.Part('slow', '', ('-p', 'no:cacheprovider', '.')))"
)


def test_ctrl_c_ends_pytest_too(tmp_path: Path) -> None:
    (tmp_path / "test_slow.py").write_text(SLOW, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-c", RUN],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    pid = tmp_path / "pid"
    wait_until(lambda: pid.exists() and pid.read_text(encoding="utf-8") != "", "the test runs")
    os.kill(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=40)
    assert "no tests ran" in said or "KeyboardInterrupt" in said
    assert not alive(int(pid.read_text(encoding="utf-8")))
    assert process.returncode != 0
