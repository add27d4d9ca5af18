"""End this process when the launcher that started it is gone, however that came about."""

from __future__ import annotations

import _thread
import os
import signal
import threading
import time

import psutil

__all__ = ["watch_launcher"]

STEP = 1.0
END_LIMIT = 25.0


def watch_launcher(pid: int) -> None:
    """Watch process `pid`, our parent, from a thread: when it ends, end here as by Ctrl-C.

    Whoever does not end within 25 s of that is ended at once.
    """
    threading.Thread(target=_watch, args=(pid,), name="watch launcher", daemon=True).start()


def _watch(pid: int) -> None:
    while _runs(pid):
        time.sleep(STEP)
    if os.name == "nt":
        _thread.interrupt_main()
    else:
        # A real signal also wakes a main thread that waits in the system.
        os.kill(os.getpid(), signal.SIGINT)
    time.sleep(END_LIMIT)
    os._exit(1)


def _runs(pid: int) -> bool:
    # On Windows, .venv's python.exe starts the real one, so the launcher is our grandparent.
    return psutil.pid_exists(pid) and (os.name == "nt" or os.getppid() == pid)
