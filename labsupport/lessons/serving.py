"""Run a web service inside a notebook, and talk to it over HTTP as its clients would."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import uvicorn

from labsupport.errors import LabError

__all__ = ["serving"]

START_LIMIT = 10.0
END_LIMIT = 5
LOOK_EVERY = 0.01


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers, so that interrupting the kernel works as always."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the kernel."""
        yield


@contextlib.asynccontextmanager
async def serving(app: Callable[..., Any], limit: float = 30.0) -> AsyncIterator[httpx.AsyncClient]:
    """Serve `app` on a free port of this machine while the block runs; yield a client for it.

    `app` is an ASGI application such as a `FastAPI()`. Give the client paths:
    `await client.get("/health")`. `limit` is how long the client waits for one answer, in seconds.
    Service and client share this kernel's event loop. At the end of the block requests under way
    have five seconds to end. Raises `LabError` when the service does not start.
    """
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{door.getsockname()[1]}"
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            log_level="critical",
            timeout_graceful_shutdown=END_LIMIT,
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve([door]))
        try:
            await _started(server, task)
            async with _client(address, limit) as client:
                yield client
        finally:
            server.should_exit = True
            await asyncio.wait([task], timeout=2 * END_LIMIT)
            task.cancel()


async def _started(server: uvicorn.Server, task: asyncio.Task[None]) -> None:
    """Wait until the server takes requests."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_LIMIT):
            while not server.started and not task.done():
                await asyncio.sleep(LOOK_EVERY)
    if not server.started:
        raise LabError("The web service did not start. Run the cell again.")


def _client(address: str, limit: float) -> httpx.AsyncClient:
    """A client with room for any number of requests at once.

    A proxy that the environment names has no business between us and ourselves, and plain HTTP
    needs no certificates, which would take a moment to read.
    """
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(
        base_url=address, timeout=limit, limits=limits, trust_env=False, verify=False
    )
