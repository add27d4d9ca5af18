"""Break a copy of the clone in one named way, run tests there, and say whether they noticed.

One copy serves many mutations: each is taken back after its run, and the copy has to be again what
it was. Red means that a test failed, not that a module could not be imported or a fixture could
not be made.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "ROOT",
    "Mutation",
    "Outcome",
    "broken",
    "changed_source",
    "copy_clone",
    "fingerprint",
    "noticed",
    "run_notebook",
    "run_tests",
    "unnoticed",
]

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("labsupport", "tests", "notebooks", "data", "conftest.py", "pyproject.toml")
OUTCOMES = "outcomes.json"
RUN_LIMIT = 500
"""Seconds after which a run of tests, or of one notebook, is given up.

Its tests and cells have limits of their own, far below.
"""
END_LIMIT = 15
"""Seconds that a run may take to end when it is broken off."""
TEST_LIMIT = 60
"""Seconds for one test or cell: what hangs because of a mutation fails after them."""
PLUGINS = ("-p", "asyncio", "-p", "timeout", "-p", "tests.deep.inside", "-p", "no:cacheprovider")
"""All that the tests need. Others take seconds to import, and pytest starts a hundred times."""
NOT_NOTICED_BY = {"ImportError", "ModuleNotFoundError", "NameError", "SyntaxError"}
"""What a change raises that is no program any more; a test that meets it has noticed nothing."""


@dataclass(frozen=True)
class Mutation:
    """One change to one file, and what has to go red because of it.

    `old` stands exactly once in `file`, a path inside the clone, and `new` takes its place.
    `tests` are names of tests as pytest takes them. `cells` are cells of lessons, as
    "notebooks/03_create_a_pool.ipynb::03-14" with the id of the cell that shows the damage. Each
    of them has to go red by itself.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    cells: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How one test or cell ended: `error` names the exception's class, "" for one that passed."""

    test: str
    stage: str
    """Where it failed: "setup", "call" or "teardown"; "call" for one that passed."""
    error: str
    said: str = ""
    """The exception's text."""


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


def fingerprint(clone: Path) -> str:
    """A digest over the names and the contents of all files that were copied."""
    files = [path for name in COPIED for path in (clone / name, *(clone / name).rglob("*"))]
    digest = hashlib.sha256()
    for path in sorted(path for path in files if path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(clone).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def changed_source(mutation: Mutation, clone: Path) -> str:
    """Return the file of `clone` with the change.

    Raises ValueError when the old text does not stand there exactly once, and SyntaxError when
    what comes out is no Python.
    """
    source = (clone / mutation.file).read_text(encoding="utf-8")
    if source.count(mutation.old) != 1:
        raise ValueError(
            f"The mutation {mutation.name!r} does not fit any more: its old text stands "
            f"{source.count(mutation.old)} times in {mutation.file}. Write it anew in tests/deep."
        )
    changed = source.replace(mutation.old, mutation.new)
    compile(changed, mutation.file, "exec")
    return changed


@contextlib.contextmanager
def broken(mutation: Mutation, clone: Path) -> Iterator[None]:
    """Make the change in `clone` for the length of the block, and take it back.

    Raises what `changed_source` raises, and AssertionError when the copy is another one after it.
    """
    path, before = clone / mutation.file, fingerprint(clone)
    changed, content = changed_source(mutation, clone), path.read_bytes()
    path.write_text(changed, encoding="utf-8")
    try:
        yield
    finally:
        path.write_bytes(content)
    assert fingerprint(clone) == before, "the copy is not what it was before the mutation"


def run_tests(clone: Path, tests: Sequence[str]) -> list[Outcome]:
    """Run tests in `clone`; with options of pytest among them, if need be. Return how they ended.

    Raises AssertionError when pytest could not run them: a name that does not exist, a module
    that cannot be imported, a labsupport that is not the one of `clone`.
    """
    # The clone's own conftest.py serves notebooks alone.
    return _pytest(clone, ["--confcutdir=tests", *tests])


def run_notebook(clone: Path, path: str) -> list[Outcome]:
    """Run a notebook in `clone` as `test` does; return how its cells ended. Raises as above."""
    return _pytest(clone, ["-p", "nbval", "--nbval-lax", "--nbval-current-env", path])


def _pytest(clone: Path, arguments: Sequence[str]) -> list[Outcome]:
    report = clone / OUTCOMES
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", *PLUGINS, "--color=no", "-q"]
    command += [f"--timeout={TEST_LIMIT}", *arguments]
    # What an outer pytest has set is not meant for this one.
    outside = {name: value for name, value in os.environ.items() if name[:7] != "PYTEST_"}
    own = {
        "PYTHONPATH": str(clone),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    process = subprocess.Popen(
        command,
        cwd=clone,
        env={**outside, **own},
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


def unnoticed(tests: Iterable[str], outcomes: Sequence[Outcome]) -> list[str]:
    """Return those of the tests that did not fail as one that noticed something."""
    red = [one.test for one in outcomes if noticed(one)]
    return [test for test in tests if not any(_belongs(one, test) for one in red)]


def noticed(outcome: Outcome) -> bool:
    """Whether a test or a cell failed by itself, and by more than a program that is none."""
    failed = bool(outcome.error) and outcome.stage == "call"
    return failed and outcome.error not in NOT_NOTICED_BY


def _belongs(test: str, target: str) -> bool:
    """Whether a test is the target, or has one of its parameters."""
    return test == target or test.startswith(f"{target}[")
