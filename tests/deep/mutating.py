"""Break a copy of the clone in one named way, run tests there, and say whether they noticed.

A mutation is proved in two steps: the targets are green in a copy that nobody touched, and red in
the copy that has the one change. Red means that a test failed, not that a module could not be
imported or a fixture could not be made.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "ROOT",
    "Mutation",
    "Outcome",
    "apply",
    "changed_source",
    "copy_clone",
    "run_targets",
    "unnoticed",
]

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("labsupport", "tests", "notebooks", "data", "conftest.py", "pyproject.toml")
OUTCOMES = "outcomes.json"
RUN_LIMIT = 600
"""Seconds after which a run of tests, or of one notebook, is given up.

Its tests and cells have limits of their own, far below.
"""
END_LIMIT = 15
"""Seconds that a run may take to end when it is broken off."""
TEST_LIMIT = 60
"""Seconds for one test or cell: what hangs because of a mutation fails after them."""
NOT_NOTICED_BY = {"ImportError", "ModuleNotFoundError", "NameError", "SyntaxError"}
"""What a change raises that is no program any more; a test that meets it has noticed nothing."""


@dataclass(frozen=True)
class Mutation:
    """One change to one file, and what has to go red because of it.

    `old` stands exactly once in `file`, a path inside the clone, and `new` takes its place.
    `tests` are names of tests as pytest takes them, `notebooks` paths of lessons; each of them
    has to go red by itself.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    notebooks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How one test or cell ended: `error` names the exception's class, "" for one that passed."""

    test: str
    stage: str
    """Where it failed: "setup", "call" or "teardown"; "call" for one that passed."""
    error: str


def copy_clone(folder: Path) -> Path:
    """Copy what tests and notebooks need into `folder`, which is made, and return it."""
    folder.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def changed_source(mutation: Mutation, clone: Path) -> str:
    """Return the file of `clone` with the change.

    Raises ValueError when the old text does not stand there exactly once.
    """
    source = (clone / mutation.file).read_text(encoding="utf-8")
    if source.count(mutation.old) != 1:
        raise ValueError(
            f"The mutation {mutation.name!r} does not fit any more: its old text stands "
            f"{source.count(mutation.old)} times in {mutation.file}. Write it anew in tests/deep."
        )
    return source.replace(mutation.old, mutation.new)


def apply(mutation: Mutation, clone: Path) -> None:
    """Make the change in `clone`.

    Raises ValueError when it does not fit, and SyntaxError when what comes out is no Python.
    """
    changed = changed_source(mutation, clone)
    compile(changed, mutation.file, "exec")
    (clone / mutation.file).write_text(changed, encoding="utf-8")


def run_targets(clone: Path, tests: Sequence[str], notebooks: Sequence[str] = ()) -> list[Outcome]:
    """Run tests, and then each notebook, by pytest in `clone`; return how each test and cell ended.

    Raises AssertionError when pytest could not run them: a name that does not exist, a module
    that cannot be imported, a labsupport that is not the one of `clone`.
    """
    found = _pytest(clone, tests) if tests else []
    for notebook in notebooks:
        found += _pytest(clone, ["--nbval-lax", "--nbval-current-env", notebook])
    return found


def _pytest(clone: Path, arguments: Sequence[str]) -> list[Outcome]:
    report = clone / OUTCOMES
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-p", "tests.deep.inside", "-p", "no:cacheprovider"]
    command += ["--color=no", "-q", f"--timeout={TEST_LIMIT}", *arguments]
    process = subprocess.Popen(
        command,
        cwd=clone,
        env={**os.environ, "PYTHONPATH": str(clone), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    try:
        said = process.communicate(timeout=RUN_LIMIT)[0]
    except BaseException:
        _end(process)
        raise
    # 0 and 1 are the codes of a run in which every test that was asked for could be tried.
    assert process.returncode in (0, 1) and report.exists(), said
    return [Outcome(**one) for one in json.loads(report.read_text(encoding="utf-8"))]


def _end(process: subprocess.Popen[str]) -> None:
    """End a run in its own order, so that it stops the servers that it has started."""
    if os.name == "nt":
        process.terminate()
    else:
        process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=END_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate(timeout=END_LIMIT)


def unnoticed(targets: Iterable[str], outcomes: Sequence[Outcome]) -> list[str]:
    """Return the targets none of whose tests or cells failed as one that noticed something."""
    red = [one.test for one in outcomes if _noticed(one)]
    return [target for target in targets if not any(_belongs(test, target) for test in red)]


def _noticed(outcome: Outcome) -> bool:
    failed = bool(outcome.error) and outcome.stage == "call"
    return failed and outcome.error not in NOT_NOTICED_BY


def _belongs(test: str, target: str) -> bool:
    """Whether a test is the target, one of its parameters, or a cell of it."""
    return test == target or test.startswith((f"{target}[", f"{target}::"))
