"""Run a verb in a child process inside `.venv`, pass signals on, and never leave it behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from types import FrameType

__all__ = ["LAUNCHER_VARIABLE", "run_child"]

LAUNCHER_VARIABLE = "LABSUPPORT_LAUNCHER"
"""Names the launcher's process id to the child, which ends when that process is gone."""

STEP = 0.2
PASS_ON_AFTER = 0.5
END_LIMIT = 30.0
KILL_LIMIT = 5.0


def run_child(python: str, root: str, arguments: list[str]) -> int:
    """Run `python -m labsupport ARGUMENTS` in the clone and return its exit code.

    Ctrl-C reaches the child by the terminal; when it came another way it is passed on, like
    SIGTERM. A child that has not ended 30 s later is ended.
    """
    environment = dict(os.environ)
    # Both make the Python of .venv believe that it is another one.
    environment.pop("PYTHONHOME", None)
    environment.pop("__PYVENV_LAUNCHER__", None)
    environment[LAUNCHER_VARIABLE] = str(os.getpid())
    asked: list[tuple[int, float]] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append((number, time.monotonic()))

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        child = subprocess.Popen(
            [python, "-m", "labsupport", *arguments], cwd=root, env=environment
        )
        return _exit_code(_wait(child, asked))
    finally:
        for number, handler in before.items():
            # After an orderly end a further Ctrl-C must not turn into a failure.
            signal.signal(number, signal.SIG_IGN if asked else handler)


def _wait(child: subprocess.Popen[bytes], asked: list[tuple[int, float]]) -> int:
    passed_on = False
    while True:
        try:
            return child.wait(timeout=STEP)
        except subprocess.TimeoutExpired:
            pass
        if not asked:
            continue
        number, since = asked[0]
        waited = time.monotonic() - since
        if not passed_on and (number == signal.SIGTERM or waited > PASS_ON_AFTER):
            passed_on = True
            if os.name != "nt":
                child.send_signal(number)
        if waited > END_LIMIT:
            return _end(child)


def _end(child: subprocess.Popen[bytes]) -> int:
    child.terminate()
    try:
        return child.wait(timeout=KILL_LIMIT)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait(timeout=KILL_LIMIT)


def _exit_code(code: int) -> int:
    # A child that a signal ended has a negative code; shells write 128 + the signal's number.
    return 128 - code if code < 0 else code
