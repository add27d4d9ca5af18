"""What this machine does: CPU, memory, disk, and the memory of the server's processes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psutil

__all__ = ["Machine", "backend_memory"]


class Machine:
    """Reads the machine's numbers since the reading before, without waiting for anything."""

    def __init__(self) -> None:
        self._cpu = psutil.cpu_times()
        self._disk = _disk_bytes()

    def read(self) -> dict[str, Any]:
        """Return `cpu_percent` and `memory_percent` of the whole machine, 0 to 100, and `disk_io`.

        `disk_io`: bytes read and written. It and `cpu_percent` are since the reading before, and
        None when that was too short ago for the machine's clock, or the platform does not tell.
        """
        cpu, disk = psutil.cpu_times(), _disk_bytes()
        moved = None if disk is None or self._disk is None else disk - self._disk
        found = {
            "cpu_percent": _busy_percent(self._cpu, cpu),
            "memory_percent": psutil.virtual_memory().percent,
            "disk_io": moved,
        }
        self._cpu, self._disk = cpu, disk
        return found


def backend_memory(pids: Iterable[int]) -> dict[str, int | None] | None:
    """Return the memory of PostgreSQL's backends on this machine, or None when it may not be read.

    `backends`: how many were read; `uss_bytes`: what they would give back by ending; `pss_bytes`:
    that and their part of what they share (Linux only, else None). Not RSS: it counts the server's
    shared buffers once for every backend that has touched them. It takes about a millisecond for
    each backend: call it in a thread. Ids that are not PostgreSQL's are left out.
    """
    found = [memory for pid in pids if (memory := _memory_of(pid)) is not None]
    if not found:
        return None
    pss = [memory.pss for memory in found if hasattr(memory, "pss")]
    return {
        "backends": len(found),
        "uss_bytes": sum(memory.uss for memory in found),
        "pss_bytes": sum(pss) if len(pss) == len(found) else None,
    }


def _memory_of(pid: int) -> Any:
    try:
        process = psutil.Process(pid)
        if not process.name().startswith("postgres"):
            return None
        return process.memory_full_info()
    except psutil.Error:  # It has ended, or belongs to another user.
        return None


def _busy_percent(before: Any, after: Any) -> float | None:
    """The part of the time between two readings in which the CPUs were not idle."""
    spent = {name: getattr(after, name) - getattr(before, name) for name in after._fields}
    # Linux counts a guest's time under user and nice already.
    total = sum(t for name, t in spent.items() if not name.startswith("guest"))
    if total < 0.1:
        return None
    idle = spent["idle"] + spent.get("iowait", 0.0)
    return float(min(100.0, max(0.0, 100 * (1 - idle / total))))


def _disk_bytes() -> int | None:
    counters = psutil.disk_io_counters()
    return None if counters is None else counters.read_bytes + counters.write_bytes
