"""Keeps the engines of a fleet for a notebook, and ends them when that notebook is gone.

Run by `labsupport.lessons.fleet.start_fleet` as `python -m labsupport.fleet_process SIZE PROFILE`;
`PROFILE` is empty for engines on this machine alone. The first words are `{"size": ...,
"connection": ..., "profile_dir": ...}`, with what ipyparallel's client needs, or `{"error": ...}`.
It stands outside the lessons' room, whose import brings plots and tables and takes over a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from labsupport.postgres.held_process import listen_to_holder, tell_holder

__all__ = ["main"]

START_LIMIT = 75
STOP_LIMIT = 30
LOOPBACK = "127.0.0.1"
FEW_PROCESSES = ("--usethreads", "--IPController.broadcast_scheduler_depth=0")
"""ipyparallel's controller runs as eight processes otherwise, for what nobody uses here."""
HEARTBEATS = ("--HeartMonitor.period=250", "--HeartMonitor.max_heartmonitor_misses=240")
"""An engine may work after its first heartbeats, for which it would wait 3 s each. One that has not
been heard of for a minute is given up; with longer periods it is half a minute."""
PATIENCE = "--IPEngine.max_heartbeat_misses=240"
"""How long an engine goes on without its controller: it looks once per period and half a second."""


def main() -> int:
    """Start the engines, tell where they are, wait until nobody wants them, end them."""
    size, profile = int(sys.argv[1]), sys.argv[2]
    folder = Path(tempfile.mkdtemp(prefix="lab-fleet-"))
    try:
        asyncio.run(_keep(size, profile, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


async def _keep(size: int, profile: str, folder: Path) -> None:
    loop, unwanted = asyncio.get_running_loop(), asyncio.Event()

    def hear(request: dict[str, Any]) -> None:
        if not request:
            loop.call_soon_threadsafe(unwanted.set)

    listen_to_holder(hear)
    cluster = None
    try:
        async with asyncio.timeout(START_LIMIT):
            cluster = _cluster(size, profile, folder)
            await cluster.start_cluster()
            tell_holder(await _words(cluster))
        await unwanted.wait()
    except Exception as error:
        tell_holder({"error": f"The processes of the fleet did not start ({error!r})."})
    finally:
        if cluster is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(cluster.stop_cluster(), STOP_LIMIT)


def _cluster(size: int, profile: str, folder: Path) -> Any:
    """A cluster of ipyparallel: as its profile says, or of this machine and seen by it alone."""
    make = importlib.import_module("ipyparallel").Cluster
    if profile:
        return make(profile=profile)
    # Nothing of it is kept in the user's own folder of IPython.
    os.environ["IPYTHONDIR"] = str(folder)
    cluster = make(n=size, profile_dir=str(folder), controller_ip=LOOPBACK, delay=0)
    cluster.controller_args = [*FEW_PROCESSES, *HEARTBEATS]
    # Without a second process beside each engine, by which single engines could be interrupted.
    cluster.config.EngineLauncher.engine_args = ["--IPEngine.enable_nanny=False", PATIENCE]
    # They have nothing to save.
    cluster.config.LocalProcessLauncher.stop_seconds_until_kill = 1
    return cluster


async def _words(cluster: Any) -> dict[str, Any]:
    """What the holder's client needs, the cluster's secret key among it."""
    connection = await cluster.controller.get_connection_info()
    return {
        "size": sum(engines.n for engines in cluster.engines.values()),
        "connection": connection["client"],
        "profile_dir": cluster.profile_dir,
    }


if __name__ == "__main__":
    raise SystemExit(main())
