"""A pool with its hooks, its health and its counters, from the first connection to the last."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, NoReturn

import asyncpg
from asyncpg import exceptions as pg

from .close_report import CloseReport
from .errors import is_transient
from .health import ConnectionHealthMonitor
from .observers import PoolObserver
from .pool import DatabasePool
from .retrying import ReplyLost, backoff_seconds, may_have_happened
from .settings import DatabaseSettings

__all__ = ["MEMORY_SETTINGS", "AdvancedPoolManager"]

logger = logging.getLogger(__name__)

Hook = Callable[[Any], Awaitable[None]]

MEMORY_SETTINGS: Mapping[str, str] = {"work_mem": "64MB", "maintenance_work_mem": "256MB"}
"""Settings of every session besides those of `DatabaseSettings`. They outlive a release."""

NOT_IN_READ_ONLY = (pg.InvalidTransactionStateError, pg.InvalidTransactionTerminationError)
"""What a statement meets that cannot run in a read-only transaction."""

LOUD = ("WARNING", "ERROR", "FATAL", "PANIC")


class AdvancedPoolManager:
    """A `DatabasePool` with lifecycle hooks, health checks, retries and a bounded shutdown.

        async with AdvancedPoolManager() as manager:
            await manager.initialize_pool(DatabaseSettings())
            rows = await manager.execute_with_retry("SELECT * FROM users LIMIT 10")

    Leaving the block shuts down; without it, call `graceful_shutdown()` in a `finally`.
    `on_connect(conn)` is awaited for each new connection, the place for type codecs.
    `on_release(conn)` is awaited before a connection that came back is cleaned. `observers`
    stand beside the pool, such as `LeakWatch`. `check_interval`: seconds between health checks.
    """

    def __init__(
        self,
        *observers: PoolObserver,
        on_connect: Hook | None = None,
        on_release: Hook | None = None,
        server_settings: Mapping[str, str] = MEMORY_SETTINGS,
        check_interval: float = 30,
    ) -> None:
        self._loans = _Loans(self._on_connection_log)
        self.pool = DatabasePool(self._loans, *observers)
        self.health_monitor = ConnectionHealthMonitor(self.pool, check_interval)
        self.connection_counter = 0
        """Connections opened."""
        self.query_counter = 0
        """Statements run on this pool's connections, without the pool's own cleaning."""
        self.error_counter = 0
        """Statements that failed, and retried calls that got no connection."""
        self.retry_counter = 0
        self.server_messages: Counter[str] = Counter()
        """What the server said besides its answers, by severity: NOTICE, WARNING and so on."""
        self._hooks = (on_connect, on_release)
        self._server_settings = server_settings
        self._host = ""
        self._pids: set[int] = set()

    async def initialize_pool(self, settings: DatabaseSettings) -> None:
        """Open the pool and check its health once; further checks follow in the background.

        Raises what `DatabasePool.initialize` raises, PoolError when it is open already.
        """
        options: dict[str, Any] = dict(settings.get_initialize_kwargs())
        options["server_settings"] = {**self._server_settings, **options["server_settings"]}
        self._host = settings.host
        await self.pool.initialize(**options, init=self._on_connect, reset=self._on_release)
        await self.health_monitor.start_monitoring()

    async def _on_connect(self, conn: Any) -> None:
        """Prepare a new connection."""
        self.connection_counter += 1
        logger.info("Connection %d established", self.connection_counter)
        if self._hooks[0] is not None:
            await self._hooks[0](conn)
        # Unlike a log listener, a query logger stays for the connection's life.
        conn.add_query_logger(partial(self._on_statement, conn.get_reset_query()))
        pid = conn.get_server_pid()
        self._pids.add(pid)
        conn.add_termination_listener(lambda _: self._pids.discard(pid))

    async def _on_release(self, conn: Any) -> None:
        """Clean a connection that came back. If this fails, the pool replaces the connection."""
        if self._hooks[1] is not None:
            await self._hooks[1](conn)
        await conn.execute(conn.get_reset_query())

    def _on_statement(self, cleaning: str, record: Any) -> None:
        if record.query != cleaning:
            self.query_counter += 1
            # Whoever cancels a statement wants it to end; that is no error.
            self.error_counter += isinstance(record.exception, Exception)

    def _on_connection_log(self, conn: Any, message: Any) -> None:
        """Count what the server says. Errors do not come this way: the caller gets them."""
        severity = message.severity_en or message.severity
        self.server_messages[severity] += 1
        if severity in LOUD:
            logger.warning("The server says: %s: %s", severity, message.message)

    async def execute_with_retry(
        self,
        query: str,
        *args: Any,
        max_retries: int = 3,
        timeout: float = 30.0,
        backoff: float = 0.5,
        idempotent: bool = False,
    ) -> list[Any]:
        """Return the rows of a statement; try up to `max_retries` times more if `is_transient`.

        `timeout`: seconds for all tries and the waits between them, which double from `backoff`
        seconds on, with jitter. Other errors are raised at once.

        A lost connection leaves open whether the statement was done. `idempotent=True` is the
        caller's word that doing it twice changes nothing; it is simply repeated. Otherwise it is
        repeated in a read-only transaction, in which the server lets nothing be stored: a query
        that only reads gets its rows, and a write is refused there and raises ReplyLost.

        Raises the last error; ReplyLost instead, when an earlier try may have been done;
        TimeoutError after `timeout`; ValueError for arguments that make no sense.
        """
        if max_retries < 0 or timeout <= 0 or backoff < 0:
            raise ValueError("max_retries and backoff are 0 or more, and timeout is above 0 s.")
        now = asyncio.get_running_loop().time
        deadline = now() + timeout
        lost: Exception | None = None
        for retry in range(max_retries + 1):
            read_only = lost is not None and not idempotent
            conn: Any = None
            try:
                async with self.pool.acquire(timeout=max(0.0, deadline - now())) as conn:
                    async with asyncio.timeout_at(deadline):
                        return await _fetch(conn, query, args, read_only)
            except Exception as error:
                self._count_without_connection(conn)
                if read_only and isinstance(error, NOT_IN_READ_ONLY):
                    raise ReplyLost from lost
                if is_transient(error) and conn is not None and may_have_happened(error):
                    lost = error
                wait = backoff_seconds(retry, backoff)
                if retry == max_retries or not is_transient(error) or now() + wait >= deadline:
                    _give_up(error, lost if not idempotent else None, timeout)
                logger.info("Retry %d in %.2f s: %r", retry + 1, wait, error)
            self.retry_counter += 1
            await asyncio.sleep(wait)
        raise AssertionError("The last try returns or raises.")

    def _count_without_connection(self, conn: Any) -> None:
        """A failed statement is counted where it runs; this counts those that never ran."""
        if conn is None:
            self.query_counter += 1
            self.error_counter += 1

    async def get_pool_metrics(self) -> dict[str, Any]:
        """Return the numbers of this moment.

        `pool_stats` and `health_stats` as their owners give them, the counters by name,
        `error_rate` as failed statements over all statements (0 to 1), `server_messages` by
        severity, and `held_seconds`: how long each connection that is lent out is held already,
        the longest first.
        """
        return {
            "pool_stats": self.pool.get_pool_stats(),
            "health_stats": self.health_monitor.get_health_status(),
            "connection_counter": self.connection_counter,
            "error_counter": self.error_counter,
            "error_rate": self.error_counter / max(self.query_counter, 1),
            "query_counter": self.query_counter,
            "retry_counter": self.retry_counter,
            "server_messages": dict(self.server_messages),
            "held_seconds": self._loans.ages(),
        }

    def local_backend_pids(self) -> list[int]:
        """Return the process ids of the server's backends for this pool, if it runs here.

        The list is empty when the host is not loopback or a folder with the server's socket.
        """
        local = self._host in ("localhost", "127.0.0.1", "::1") or self._host.startswith("/")
        return sorted(self._pids) if local else []

    async def graceful_shutdown(self, timeout: float = 10.0) -> CloseReport:
        """Stop the health checks, then close the pool within `timeout` seconds; return how it went.

        Whoever waits for a connection gets PoolClosed, work in flight has until the timeout, and
        connections that are still out then are terminated and reported. Doing it twice is harmless.
        """
        await self.health_monitor.stop_monitoring()
        report = await self.pool.close(timeout)
        logger.info("Pool shutdown completed. %s", report)
        return report

    async def __aenter__(self) -> AdvancedPoolManager:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.graceful_shutdown()


class _Loans(PoolObserver):
    """Listens to the server's messages while a connection is lent out, and notes since when it is.

    A release removes log listeners and warns about them. So each loan has its own, which is taken
    away just before the connection goes back.
    """

    def __init__(self, listener: Callable[[Any, Any], None]) -> None:
        self._listener = listener
        self._since: dict[Any, float] = {}

    def ages(self) -> list[float]:
        """Seconds that each connection is lent out already, the longest first."""
        now = time.monotonic()
        return sorted((now - since for since in self._since.values()), reverse=True)

    def on_acquire(self, conn: Any) -> None:
        self._since[conn] = time.monotonic()
        with contextlib.suppress(asyncpg.InterfaceError):  # It has just broken.
            conn.add_log_listener(self._listener)

    def on_release(self, conn: Any) -> None:
        self._since.pop(conn, None)
        with contextlib.suppress(asyncpg.InterfaceError):
            conn.remove_log_listener(self._listener)

    def on_close(self) -> None:
        self._since.clear()


async def _fetch(conn: Any, query: str, args: tuple[Any, ...], read_only: bool) -> list[Any]:
    if not read_only:
        return list(await conn.fetch(query, *args))
    async with conn.transaction(readonly=True):
        return list(await conn.fetch(query, *args))


def _give_up(error: Exception, lost: Exception | None, timeout: float) -> NoReturn:
    """Raise what tells the caller most; called while `error` is handled."""
    if lost is not None:
        raise ReplyLost from lost
    if isinstance(error, TimeoutError) and not str(error):
        raise TimeoutError(
            f"No answer within the limit ({timeout:g} s for the call, or the pool's "
            "command_timeout). A statement that writes may have been done."
        ) from error
    raise error
