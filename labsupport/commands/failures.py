"""Every way a command can end badly, turned into one sentence and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable

from labsupport.errors import LabError, cannot_write

__all__ = ["guarded"]

FAILED = 1
INTERRUPTED = 130
OF_THE_DISK = tuple(
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "EROFS", "ENOTDIR", "ENOSPC", "EDQUOT", "EFBIG")
    if hasattr(errno, name)
)
"""Errors that a person mends, by rights on a file or by room on the disk."""


def guarded(command: Callable[[], int]) -> int:
    """Run `command` and return its exit code; a person never sees a traceback.

    `LabError` prints its text (exit 1), Ctrl-C prints nothing (130), anything unexpected prints
    one sentence with the name of the file that holds the details (1).
    """
    try:
        return command()
    except LabError as error:
        _complain(str(error))
    except KeyboardInterrupt:
        # A second Ctrl-C on the way out would print a traceback after all.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return INTERRUPTED
    except Exception as error:
        if isinstance(error, OSError) and error.errno in OF_THE_DISK:
            _complain(str(_said_of_disk(error)))
            return FAILED
        where = _write_details()
        summary = " ".join(str(error).split())[:200]
        _complain(
            f"Something unexpected happened ({type(error).__name__}: {summary}); "
            f"the details are in {where}."
        )
    return FAILED


def _said_of_disk(error: OSError) -> LabError:
    place = str(error.filename or "a file of the lab")
    return cannot_write(place, error, "Make it writable for you, or move it out of the way.")


def _complain(sentence: str) -> None:
    # Without a terminal nobody is left to read it.
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr, flush=True)


def _write_details() -> str:
    """Write the current traceback to a file and return the file's name."""
    details = traceback.format_exc()
    name = f"failure-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    for folder in _log_folders():
        path = os.path.join(folder, name)
        try:
            os.makedirs(folder, exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(details)
            return path
        except OSError:
            continue
    return "no file, because none could be written"


def _log_folders() -> list[str]:
    folders = [tempfile.gettempdir()]
    try:
        # Not before .venv exists: it needs a package.
        from labsupport.places import state_folder

        folders.insert(0, os.path.join(str(state_folder()), "logs"))
    except ImportError:
        pass
    return folders
