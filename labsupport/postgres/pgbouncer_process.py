"""Keeps one PgBouncer for another process, and ends it when that process is gone.

Run by `labsupport.postgres.pgbouncer.pgbouncer` as `python -m labsupport.postgres.pgbouncer_process
PROGRAM FOLDER PORT`. `FOLDER` holds PgBouncer's files and is deleted at the end. The first words
are `{"pid": ...}` or `{"error": ...}`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from labsupport.postgres.account import run_as_server
from labsupport.postgres.held_process import listen_to_holder, tell_holder
from labsupport.postgres.pgbouncer_files import LOG, SETTINGS

__all__ = ["main"]

START_LIMIT = 30
STOP_LIMIT = 2
LOOK_EVERY = 0.05
LOG_LINES = 5


def main() -> int:
    """Start PgBouncer, tell when it listens, wait until nobody wants it, end it."""
    program, folder, port = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    unwanted = threading.Event()

    def hear(request: dict[str, Any]) -> None:
        if not request:
            unwanted.set()

    listen_to_holder(hear)
    bouncer = None
    try:
        bouncer = _start(program, folder)
        trouble = _wait_until_it_listens(bouncer, folder, port, unwanted)
        tell_holder({"error": trouble} if trouble else {"pid": bouncer.pid})
        while not trouble and not unwanted.wait(LOOK_EVERY) and bouncer.poll() is None:
            continue
    except OSError as error:
        tell_holder({"error": f"{program} could not be run ({error})."})
    finally:
        if bouncer is not None:
            _end(bouncer)
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _start(program: str, folder: Path) -> subprocess.Popen[bytes]:
    """Run PgBouncer, which refuses to run as root, as the user of the lab's servers."""
    clean = {name: value for name, value in os.environ.items() if name[:2] != "PG"}
    return subprocess.Popen(
        [program, "-q", str(folder / SETTINGS)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=clean,
        **run_as_server(),
    )


def _wait_until_it_listens(
    bouncer: subprocess.Popen[bytes], folder: Path, port: int, unwanted: threading.Event
) -> str:
    """Wait until it says that it listens; return what is wrong, and nothing when all is well."""
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline and not unwanted.is_set():
        if bouncer.poll() is not None:
            return f"PgBouncer did not start. Its log says: {_tail(folder / LOG)}"
        # A connection would tell less: another program may be the one that listens there.
        if f"listening on 127.0.0.1:{port}" in _tail(folder / LOG):
            return ""
        time.sleep(LOOK_EVERY)
    return f"PgBouncer did not listen within {START_LIMIT} s."


def _tail(log: Path) -> str:
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return " / ".join(lines[-LOG_LINES:]) or "(nothing)"


def _end(bouncer: subprocess.Popen[bytes]) -> None:
    """End it whatever its clients do: a newer PgBouncer waits for them when it is asked to stop."""
    bouncer.terminate()
    try:
        bouncer.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        bouncer.kill()
        bouncer.wait(STOP_LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
