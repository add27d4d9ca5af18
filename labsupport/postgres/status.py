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
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def me() -> dict[str, int]:
    """Return what tells this process from any other, also after its number is used again."""
    return {"pid": os.getpid(), "started": _began(psutil.Process())}


def is_alive(process: Mapping[str, Any]) -> bool:
    """Whether the process that `me` described still runs; a description that is none does not."""
    try:
        found = psutil.Process(int(process["pid"]))
        # A lab of another version may run too, and describe itself by the clock on any system.
        moments = (_began(found), int(found.create_time()))
        same = any(abs(moment - int(process["started"])) <= 1 for moment in moments)
        return same and found.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, KeyError, TypeError, ValueError, OverflowError):
        return False


def _began(process: psutil.Process) -> int:
    """Return a number for the moment at which a process began, the same when the clock is set.

    Linux keeps hundredths of a second since its boot, and psutil adds the moment of that boot by
    the clock of now. Here the boot's own number takes that moment's place. Other systems keep
    the process's moment by the clock of then, and this is its whole second.
    """
    boot = _boot_number()
    if boot is None:
        return int(process.create_time())
    booted = psutil.boot_time()
    return boot * 10**12 + round((process.create_time() - booted) * 100)


def _boot_number() -> int | None:
    """Return a number that Linux chose at random when it booted; None where there is none."""
    try:
        return int(BOOT_ID.read_text(encoding="ascii")[:8], 16)
    except (OSError, ValueError):
        return None


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
