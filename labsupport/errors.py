"""The one error that is meant for a person and not for a programmer."""

from __future__ import annotations

import errno
import os
import shutil

__all__ = ["LabError", "cannot_write", "tells_of_full_disk"]

FULL = tuple(getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name))
"""No space, no more of it for this user, and no larger file for this user."""


class LabError(Exception):
    """Something a person can mend: the text says what is wrong and what to do next.

    The commands print the text alone and exit with 1. A notebook shows it without a traceback,
    because IPython asks an exception for `_render_traceback_` before it makes one itself.
    """

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def cannot_write(place: str, error: OSError, otherwise: str) -> LabError:
    """Return what to say when `place`, or a file in it, could not be written.

    A full disk is called so; `otherwise` says what to do about anything else.
    """
    reason = error.strerror or " ".join(str(error).split())[:200]
    if isinstance(error, shutil.Error):  # What it could not copy: from, to and why, of each file.
        reason = str(error.args[0][0][2])
    if error.filename and str(error.filename) != place:
        reason += f": {error.filename}"
    if error.errno in FULL or tells_of_full_disk(str(error)):
        return LabError(
            f"There is no room for {place} ({reason}). Free about 1 GB of that disk and try again."
        )
    return LabError(f"{place} cannot be written ({reason}). {otherwise}")


def tells_of_full_disk(text: str) -> bool:
    """Whether what a program said is what the system says when a disk is full."""
    return any(os.strerror(code) in text for code in FULL)
