"""The small files by which a supervisor and the kernels that use its server speak."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

__all__ = ["STATUS", "STOP_REQUEST", "is_alive", "me", "read_status", "write_status"]

STATUS = "server.json"
STOP_REQUEST = "stop"


def me() -> dict[str, Any]:
    """Return what tells this process from any other, also after its number is used again."""
    return {"pid": os.getpid(), "started": psutil.Process().create_time()}


def is_alive(process: Mapping[str, Any]) -> bool:
    """Whether the process that `me` described still runs; a description that is none does not."""
    try:
        found = psutil.Process(int(process["pid"]))
        same = abs(found.create_time() - float(process["started"])) < 1
        return same and found.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, KeyError, TypeError, ValueError, OverflowError):
        return False


def write_status(folder: Path, port: int) -> None:
    """Tell the world that the server of `folder` listens on `port`, kept by this process."""
    half = folder / f"{STATUS}.half"
    half.write_text(json.dumps({"port": port, "supervisor": me()}), encoding="utf-8")
    half.replace(folder / STATUS)


def read_status(folder: Path) -> dict[str, Any] | None:
    """Return `{"port": ..., "supervisor": ...}` if a living supervisor wrote it, else None.

    A file that is half-written or was changed by hand counts as none.
    """
    try:
        written = json.loads((folder / STATUS).read_text(encoding="utf-8"))
        port, supervisor = int(written["port"]), written["supervisor"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    known = 0 < port < 65536 and is_alive(supervisor)
    return {"port": port, "supervisor": supervisor} if known else None
