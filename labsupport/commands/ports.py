"""What JupyterLab needs of this machine: a free port, and a desktop to open a browser on."""

from __future__ import annotations

import os
import sys

from labsupport.errors import LabError
from labsupport.ports import is_free, why_not_free

__all__ = ["USUAL_PORT", "check_port", "has_desktop", "is_free"]

USUAL_PORT = 8888


def check_port(port: int | None) -> None:
    """Raise `LabError` when the port that was asked for cannot be had; None asks for none."""
    if port is None or is_free(port):
        return
    cause = f"Port {port} is taken by another program"
    refusal = why_not_free(port)
    if isinstance(refusal, PermissionError):
        cause = f"You may not listen on port {port} ({refusal.strerror})"
    raise LabError(f"{cause}. Choose another with --port, or leave --port out to get a free one.")


def has_desktop() -> bool:
    """Whether a graphical browser can open here; a text browser would take over the terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
