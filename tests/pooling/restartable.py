"""A server that a test stops and starts again, also as a standby."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from labsupport.postgres.account import make_folder
from labsupport.postgres.binaries import find_binaries
from labsupport.postgres.cluster import Cluster
from labsupport.postgres.roles import create_lab_role, lab_server
from tests.pooling.conftest import address_of

__all__ = ["RestartableServer", "restartable_server"]


class RestartableServer:
    """A server of its own, without a guard that would remove it when it stops."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._signal = cluster.data / "standby.signal"
        self._port = 0
        self.where: dict[str, Any] = {}

    async def start(self, *, as_standby: bool = False) -> None:
        """Start it, always on the same port."""
        if as_standby:
            self._signal.touch()
        else:
            self._signal.unlink(missing_ok=True)
        port = await asyncio.to_thread(self._cluster.start, self._port)
        if not self._port:
            self._port = port
            await create_lab_role(self._cluster, port)
            self.where = address_of(lab_server(self._cluster, port, where="own"))
        assert port == self._port, "another program took the port"

    async def stop(self) -> bool:
        """Stop it; return whether it ran."""
        return await asyncio.to_thread(self._cluster.stop)


@asynccontextmanager
async def restartable_server(home: Path) -> AsyncIterator[RestartableServer]:
    """A running server in a folder of `home`, removed at the end."""
    cluster = Cluster(home / "restartable" / secrets.token_hex(4), find_binaries({}))
    make_folder(cluster.folder)
    server = RestartableServer(cluster)
    try:
        await asyncio.to_thread(cluster.make, {"fsync": "off"})
        await server.start()
        yield server
    finally:
        await server.stop()
        cluster.remove()
