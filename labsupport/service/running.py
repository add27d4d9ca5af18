"""Start the service as a process of its own, ask it over HTTP, and see what it publishes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cloudpickle
import httpx
from prometheus_client.parser import text_string_to_metric_families

from labsupport.errors import LabError
from labsupport.postgres import Server
from labsupport.postgres.held_process import HeldProcess
from labsupport.service.names import check_variables
from labsupport.service.shop import Shop

__all__ = ["Service", "StatusError", "run_service"]

START_LIMIT = 30.0
PREFIX = "db_client_connection_"
GAUGES = {
    "acquired_count": "count used",
    "idle_count": "count idle",
    "max_size": "max",
    "queue_size": "pending_requests",
    "timeouts": "timeouts_total",
}


class StatusError(Exception):
    """The service answered with a status that says no; its subclasses `Status503` and so on."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status} {detail}")
        self.status = status
        self.detail = detail


@dataclass(frozen=True)
class Service:
    """A running service; it ends with the block of `run_service`."""

    address: str
    """Such as `http://127.0.0.1:50123`; it listens on this machine only."""
    pid: int
    client: httpx.AsyncClient = field(repr=False)
    """Asks it: `await service.client.get("/users/1")`."""
    log_file: Path = field(repr=False)

    def asking(self, method: str, path: str, **options: Any) -> Callable[[], Awaitable[None]]:
        """Return a request for `measure`; `options` are httpx's, such as `json` and `headers`."""

        async def request() -> None:
            await self.ask(method, path, **options)

        return request

    async def ask(self, method: str, path: str, **options: Any) -> Any:
        """Return the answer's JSON. Raises `StatusError` from status 400 on, and httpx's errors.

        The error's class is called after the status, so that a measurement counts them apart.
        """
        answer = await self.client.request(method, path, **options)
        if answer.status_code >= 400:
            kind = type(f"Status{answer.status_code}", (StatusError,), {})
            raise kind(answer.status_code, answer.text[:200])
        return answer.json()

    async def metrics(self) -> dict[str, float]:
        """Return the numbers of `/metrics` by name, without `db_client_connection_` before it.

        The count of connections stands there twice: `count idle` and `count used`.
        """
        text = (await self.client.get("/metrics")).text
        state = f"{PREFIX}state"
        return {
            f"{sample.name.removeprefix(PREFIX)} {sample.labels.get(state, '')}".strip(): (
                sample.value
            )
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if "le" not in sample.labels
        }

    async def pool(self) -> dict[str, float]:
        """The pool's numbers under the keys of `get_pool_stats`, for `watch` and `live`."""
        seen = await self.metrics()
        stats = {name: seen[metric] for name, metric in GAUGES.items()}
        return {**stats, "size": stats["acquired_count"] + stats["idle_count"]}

    def log(self) -> list[str]:
        """Return the lines of the service's log until now."""
        return self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()


@contextlib.asynccontextmanager
async def run_service(
    server: Server,
    database: str | None = None,
    shop: Callable[..., Any] = Shop,
    *,
    limit: float = 10.0,
    **variables: object,
) -> AsyncIterator[Service]:
    """Run a shop as a web service on loopback while the block runs.

    `shop` is `Shop` or a class like it, also one of a notebook's cell: it is sent to the process.
    `variables` are variables of its environment, such as `DB_POOL_MAX_SIZE=5`; no other `DB_*`
    reaches it but those of `server`. `limit` is how long the client waits for an answer, in
    seconds. Raises `LabError` for a `DB_` variable that is none, and with the service's own
    sentence when it does not start. When this process is killed, the service ends by itself.
    """
    check_variables(variables)
    packed = _packed(shop)
    with tempfile.TemporaryDirectory(prefix="lab-service-", ignore_cleanup_errors=True) as folder:
        file, log = Path(folder, "shop.pickle"), Path(folder, "service.log")
        file.write_bytes(packed)
        environment = _environment(server, database, variables)
        process = await asyncio.to_thread(_start, str(file), str(log), environment)
        try:
            address = f"http://127.0.0.1:{process.first_words['port']}"
            async with _client(address, limit) as client:
                yield Service(address, process.pid, client, log)
        finally:
            await asyncio.to_thread(process.close)


def _packed(shop: Callable[..., Any]) -> bytes:
    try:
        packed: bytes = cloudpickle.dumps(shop)
    except Exception as error:
        name = getattr(shop, "__name__", repr(shop))
        raise LabError(
            f"{name} cannot be sent to the service's process ({error}). Make what it needs, such "
            "as a connection or a lock, in its `open` method."
        ) from error
    return packed


def _start(file: str, log: str, environment: Mapping[str, str]) -> HeldProcess:
    return HeldProcess(
        "labsupport.service.held", file, log, start_limit=START_LIMIT, variables=environment
    )


def _environment(
    server: Server, database: str | None, variables: Mapping[str, object]
) -> dict[str, str]:
    """This process's environment, with no other `DB_*` than those that are meant."""
    inherited = {name: text for name, text in os.environ.items() if name[:3] != "DB_"}
    wished = {name: str(value) for name, value in variables.items()}
    mine = {"DB_APPLICATION_NAME": "shop", "DB_POOL_MIN_SIZE": "0"}
    return {**inherited, **server.variables(database), **mine, **wished}


def _client(address: str, limit: float) -> httpx.AsyncClient:
    """A client with room for any number of requests at once, past any proxy.

    It keeps few connections open for later: among hundreds it takes the client longer to find a
    free one than to open another.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
    return httpx.AsyncClient(
        base_url=address, timeout=limit, limits=limits, trust_env=False, verify=False
    )
