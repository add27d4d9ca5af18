"""A pool with its hooks, its health and its counters, from the first connection to the last."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, NoReturn

from asyncpg import exceptions as pg

from .close_report import CloseReport
from .errors import is_transient
from .exceptions import PoolTimeout
from .health import ConnectionHealthMonitor
from .loans import Loans
from .observers import PoolObserver
from .pool import DatabasePool
from .retrying import ReplyLost, backoff_seconds, may_have_happened
from .settings import DatabaseSettings
from .statements import is_transaction_control, may_commit_midway

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
        self._loans = Loans(self._on_connection_log, on_lost=self._count_failure)
        self.pool = DatabasePool(self._loans, *observers)
        self.health_monitor = ConnectionHealthMonitor(self.pool, check_interval)
        self.connection_counter = 0
        """Connections opened."""
        self.query_counter = 0
        """Statements run on this pool's connections, without its cleaning, BEGIN and COMMIT."""
        self.error_counter = 0
        """Statements that failed, and tries of `execute_with_retry` that got no connection.

        A connection that comes back broken is one failed statement, whatever the borrower did:
        asyncpg tells nobody of the statement with which a connection is lost.
        """
        self.retry_counter = 0
        self.server_messages: Counter[str] = Counter()
        """What the server said besides its answers, by severity: NOTICE, WARNING and so on."""
        self._hooks = (on_connect, on_release)
        self._server_settings = server_settings
        self._host = ""
        self._pids: set[int] = set()

    async def initialize_pool(self, settings: DatabaseSettings) -> None:
        """Open the pool and check its health once; further checks follow in the background.

        Raises what `DatabasePool.initialize` raises, PoolError when it is open already. Cancelled
        during the check, it closes the pool again.
        """
        options: dict[str, Any] = dict(settings.get_initialize_kwargs())
        options["server_settings"] = {**self._server_settings, **options["server_settings"]}
        await self.pool.initialize(**options, init=self._on_connect, reset=self._on_release)
        self._host = settings.host
        try:
            await self.health_monitor.start_monitoring()
        except BaseException:
            await self.graceful_shutdown(timeout=1)
            raise

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
        # Whoever cancels a statement wants it to end; that is no error.
        failed = isinstance(record.exception, Exception)
        if record.query != cleaning and (failed or not is_transaction_control(record.query)):
            self.query_counter += 1
            self.error_counter += failed

    def _count_failure(self) -> None:
        """Count a statement that failed and of which asyncpg told nobody."""
        self.query_counter += 1
        self.error_counter += 1

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
        """Return the rows of a statement; try up to `max_retries` times more if that may help.

        It may after errors that `is_transient` names, unless it was the server's limit for a
        transaction that ended the session; and when connecting took longer than its limit.

        `timeout`: seconds for all tries and the waits between them, which double from `backoff`
        seconds on, with jitter. Other errors are raised at once.

        A lost connection leaves open whether the statement was done. `idempotent=True` is the
        caller's word that doing it twice changes nothing; it is simply repeated. Otherwise it is
        repeated in a read-only transaction, in which the server lets nothing be stored: a query
        that only reads gets its rows, and a write is refused there and raises ReplyLost. `CALL` and
        `DO` may commit before they fail, so without `idempotent=True` they are not repeated at all.

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
            limit = asyncio.timeout_at(deadline)
            try:
                async with self.pool.acquire(timeout=max(0.0, deadline - now())) as conn, limit:
                    return await _fetch(conn, query, args, read_only)
            except Exception as error:
                if conn is None:  # A statement that ran is counted where it runs.
                    self._count_failure()
                elif limit.expired():  # To asyncpg it was cancelled, which is no error.
                    self.error_counter += 1
                again = _may_help(error)
                if read_only and isinstance(error, NOT_IN_READ_ONLY):
                    raise ReplyLost from lost
                if again and conn is not None and may_have_happened(error):
                    lost = error
                if conn is not None and not idempotent and may_commit_midway(query):
                    again = False
                wait = backoff_seconds(retry, backoff)
                if retry == max_retries or not again or now() + wait >= deadline:
                    _give_up(error, lost if not idempotent else None, timeout)
                logger.info("Retry %d in %.2f s: %r", retry + 1, wait, error)
            self.retry_counter += 1
            await asyncio.sleep(wait)
        raise AssertionError("The last try returns or raises.")

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
        await self.health_monitor.stop_monitoring()  # `initialize_pool` may have just started it.
        logger.info("Pool shutdown completed. %s", report)
        return report

    async def __aenter__(self) -> AdvancedPoolManager:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.graceful_shutdown()


async def _fetch(conn: Any, query: str, args: tuple[Any, ...], read_only: bool) -> list[Any]:
    if not read_only:
        return list(await conn.fetch(query, *args))
    async with conn.transaction(readonly=True):
        return list(await conn.fetch(query, *args))


def _may_help(error: Exception) -> bool:
    """Whether another try may succeed: `is_transient`, and what only the manager knows."""
    if isinstance(error.__cause__, pg.TransactionTimeoutError):
        return False  # The connection was lost, but to a limit that is reached again each time.
    # A wait for a connection has all the time of the call; what gave up before was connecting.
    return is_transient(error) or isinstance(error, PoolTimeout)


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
