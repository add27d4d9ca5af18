"""A pytest plugin for a run in a copy of the clone: the copy is used, and outcomes are noted."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from pathlib import Path

import pytest

import labsupport

__all__ = ["NOTED"]

NOTED = pytest.StashKey[list[dict[str, str]]]()
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
LAST_LINE = re.compile(r"^(?:\w+\.)*(\w+)(?::|$)")
"""How the last line of a traceback begins: with the name of the class, perhaps with its module."""


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a run whose labsupport is another one than that of the working folder."""
    config.stash[NOTED] = []
    imported = Path(labsupport.__file__).resolve().parent.parent
    if imported != Path.cwd().resolve():
        raise pytest.UsageError(f"labsupport was imported from {imported}, which is not the copy.")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note each test that ran, and each failure with the class of its exception."""
    report = yield
    if report.failed or (report.passed and report.when == "call"):
        error = _class_of(call.excinfo.value) if report.failed and call.excinfo else ""
        said = _text_of(call.excinfo.value) if error and call.excinfo else ""
        noted = {"test": item.nodeid, "stage": call.when, "error": error, "said": said}
        item.config.stash[NOTED].append(noted)
    return report


def _class_of(error: BaseException) -> str:
    """The name of the exception's class; for a cell, the name of what the cell raised.

    A lesson that sums up failed claims shows no traceback, so there the name is that of nbval.
    """
    traceback = _traceback_of(error)
    found = LAST_LINE.match(traceback.splitlines()[-1]) if "Traceback" in traceback else None
    return found[1] if found else type(error).__name__


def _text_of(error: BaseException) -> str:
    """What the exception says; for a cell, what the cell showed of the exception it raised."""
    return _traceback_of(error) or str(error)


def _traceback_of(error: BaseException) -> str:
    """The traceback inside a cell's exception, without colours; "" for other exceptions."""
    return COLOUR.sub("", getattr(error, "inner_traceback", None) or "").strip()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was noted where the run that asked for it looks."""
    path = Path.cwd() / "outcomes.json"
    path.write_text(json.dumps(session.config.stash[NOTED]), encoding="utf-8")
