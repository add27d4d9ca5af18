"""The verb `test`: the tests, then every notebook by nbval; both parts always run.

What takes long or needs more than Python is a part of its own, which runs when it is asked for.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType

from labsupport.commands.chromium import find_chromium
from labsupport.commands.leaving import server_left_as_found
from labsupport.commands.preparing import prepare_postgres
from labsupport.places import project_root

__all__ = ["BROWSER", "DEEP", "PARTS", "WORKSHOP", "Part", "check_server", "run", "run_part"]

END_LIMIT = 20
WORKERS = ("-n", "3", "--dist", "loadfile", "--no-loadscope-reorder")
"""Three processes run the tests, which mostly wait. A file's tests share what they need, and so do
the files of a folder: one process runs all of a file, and the folders come one after the other."""


@dataclass(frozen=True)
class Part:
    """One run of pytest: its name, what it does in words, and pytest's arguments."""

    name: str
    does: str
    arguments: tuple[str, ...]


PARTS = (
    Part(
        "unit",
        "the tests of the support code",
        (
            "tests",
            "--ignore=tests/browser",
            "--ignore=tests/deep",
            "--ignore=tests/workshop",
            *WORKERS,
            "--durations=10",
        ),
    ),
    Part(
        "notebooks",
        "every notebook, cell by cell",
        ("--nbval-lax", "--nbval-current-env", "notebooks", "--durations=10"),
    ),
)

DEEP = Part(
    "deep",
    "proofs that take long",
    ("tests/deep", *("-n", "2", "--dist", "worksteal"), "--timeout=600", "--durations=10"),
)
BROWSER = Part("browser", "lessons in a real browser", ("tests/browser", "--durations=10"))
WORKSHOP = (
    Part(
        "workshop",
        "a room of participants on one server, and what else needs the workshop's programs",
        ("tests/workshop", "--timeout=600", "--durations=10"),
    ),
    Part(
        "fleet",
        "the notebook that runs a fleet of processes",
        (
            "--nbval-lax",
            "--nbval-current-env",
            "notebooks/17_run_a_fleet.ipynb",
            "--durations=10",
        ),
    ),
)


def run(options: argparse.Namespace) -> int:
    """Run the parts one after the other; returns 1 if any failed, 130 after Ctrl-C."""
    if options.container:
        from labsupport.commands.container import run_on_container

        return run_on_container()
    chosen = [part for part in PARTS if options.only in (None, part.name)]
    if options.browser:
        find_chromium()  # Its absence is better said before anything starts.
        chosen = [BROWSER]
    if options.deep:
        chosen = [DEEP]
    if options.workshop:
        chosen = list(WORKSHOP)
    lines = []
    failed = False
    with server_left_as_found():
        if any("--nbval-lax" in part.arguments for part in chosen):
            check_server()
        for number, part in enumerate(chosen, start=1):
            print(f"\n[{number}/{len(chosen)}] {part.name}: {part.does}", flush=True)
            start = time.monotonic()
            code = run_part(part)
            outcome = "passed" if code == 0 else f"FAILED (pytest's exit code {code})"
            lines.append(f"  {part.name}: {outcome} in {time.monotonic() - start:.0f} s")
            failed = failed or code != 0
    print("\n" + "\n".join(lines), flush=True)
    return 1 if failed else 0


def check_server() -> None:
    """Find the server that the notebooks will use, before anything runs that takes minutes.

    Raises `LabError` when there is none that they can use.
    """
    asyncio.run(prepare_postgres(print))


def run_part(part: Part, settings: Mapping[str, str] | None = None) -> int:
    """Run one part and return pytest's exit code; Ctrl-C ends pytest in its own order.

    `settings` are variables of the environment, on top of those that are set.
    Raises `KeyboardInterrupt` after pytest has ended that way.
    """
    # Pytest gets a session of its own, so that Ctrl-C reaches it once and not twice.
    apart = os.name != "nt"
    command = [sys.executable, "-m", "pytest", *part.arguments]
    interrupted: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        interrupted.append(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        pytest = subprocess.Popen(
            command,
            cwd=project_root(),
            env={**os.environ, **(settings or {})},
            start_new_session=apart,
        )
        while not interrupted:
            try:
                return pytest.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                continue
        _end(pytest, apart)
        raise KeyboardInterrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(pytest: subprocess.Popen[bytes], apart: bool) -> None:
    if apart:
        # To its workers as well: they would hear of it from pytest, and only seconds later.
        os.killpg(pytest.pid, signal.SIGINT)
    try:
        pytest.wait(timeout=END_LIMIT)
    except subprocess.TimeoutExpired:
        pytest.kill()
        pytest.wait(timeout=END_LIMIT)
