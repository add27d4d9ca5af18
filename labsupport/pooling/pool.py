"""The connection pool: `asyncpg.Pool` with a limit on every wait and honest numbers."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any

import asyncpg

from .borrowing import Borrowing
from .close_report import CloseReport
from .closing import close_pool
from .connecting import timed_connect
from .durations import PoolTimes
from .exceptions import PoolError, PoolTimeout
from .lending import Lending, given_back
from .observers import PoolObserver
from .session import session_settings
from .state import PoolState
from .stats import in_words, pool_stats
from .waiting import Limits, TookTooLong, WaitingLine

__all__ = ["DatabasePool"]

logger = logging.getLogger(__name__)


class DatabasePool:
    """A pool of PostgreSQL connections.

        async with DatabasePool() as pool:
            await pool.initialize(database="lab", min_size=2, max_size=5)
            async with pool.acquire() as conn:
                print(await conn.fetchval("SELECT 1"))

    Leaving the outer `async with` closes the pool; without it, call `close()` in a `finally`.
    `observers` stand beside the pool and see its connections, such as `LeakWatch`.
    """

    def __init__(self, *observers: PoolObserver) -> None:
        self.pool: Any = None  # an asyncpg.Pool while open, else None
        self.times = PoolTimes()
        self.timeouts = 0
        self._state = PoolState()
        self._waiting = WaitingLine()
        self._lent = Lending(observers)

    async def initialize(
        self,
        host: str = "localhost",
        port: int = 5432,
        database: str = "postgres",
        user: str = "postgres",
        password: str = "",
        min_size: int = 10,
        max_size: int = 50,
        max_queries: int = 50000,
        max_inactive_connection_lifetime: float = 300.0,
        command_timeout: float = 60.0,
        *,
        acquire_timeout: float = 10.0,
        release_timeout: float = 5.0,
        connect_timeout: float = 10.0,
        max_waiting: int | None = None,
        server_settings: Mapping[str, object] | None = None,
        ssl: Any = None,
        init: Callable[[Any], Awaitable[None]] | None = None,
        **options: Any,
    ) -> None:
        """Open `min_size` connections; the README beside this file explains each option.

        `options` go to `asyncpg.create_pool`, such as `statement_cache_size=0` for PgBouncer.
        Raises what connecting raises: OSError, TimeoutError or an asyncpg exception; PoolError
        when the pool is initialised already; PoolClosed when `close` is called meanwhile and
        has no more time; ValueError for sizes that make no sense.
        """
        limits = Limits(acquire_timeout, release_timeout, connect_timeout, max_waiting)
        async with self._state.opening():
            self._limits, self._closing_alone = limits, asyncio.Lock()
            self.times, self.timeouts = PoolTimes(), 0
            self.pool = await asyncpg.create_pool(
                host=host,
                port=port,
                database=database,
                user=user,
                password=password or None,
                min_size=min_size,
                max_size=max_size,
                max_queries=max_queries,
                max_inactive_connection_lifetime=max_inactive_connection_lifetime,
                command_timeout=command_timeout,
                server_settings=session_settings(server_settings),  # These survive a release.
                ssl=ssl,
                connect=timed_connect(self.times.create, self._lent.opened, init, connect_timeout),
                **options,
            )
        logger.info("Connection pool initialized: min=%d, max=%d", min_size, max_size)

    def acquire(self, *, timeout: float | None = None) -> Borrowing:
        """Borrow a connection: `async with pool.acquire() as conn:` or `await pool.acquire()`.

        Waits at most `timeout` seconds, by default `acquire_timeout`; with 0, only a connection
        that is free now will do. Waiters are served in the order in which they came.
        Raises PoolTimeout, PoolOverloaded, PoolClosed, PoolNotInitialized or WrongEventLoop,
        and what connecting raises when a new connection is needed.
        """
        return Borrowing(self._lend, timeout, self.release)

    async def _lend(self, timeout: float | None) -> Any:
        """Wait for a connection, with a limit, and note since when it is lent out."""
        if (trouble := self._state.trouble()) is not None:
            raise trouble
        if self._limits.max_waiting is not None:
            self._limits.refuse_when_full(self.get_pool_stats())
        seconds = self._limits.acquire_timeout if timeout is None else timeout
        asked_at = monotonic()
        try:
            conn = await self._waiting.wait(seconds, self._lent.take_from(self.pool))
        except TookTooLong as error:
            raise self._why_nothing_came(error) from None
        # From here on nothing is awaited, so that no cancellation can lose the connection.
        self.times.wait.record(monotonic() - asked_at)
        self._lent.begin(conn)
        return conn

    def _why_nothing_came(self, error: TookTooLong) -> PoolError:
        if (trouble := self._state.trouble()) is not None:
            return trouble
        self.timeouts += 1
        stats = self.get_pool_stats()
        stats["queue_size"] += 1  # This request has just stopped waiting.
        return PoolTimeout(f"{error}: {in_words(stats)}.")

    async def release(self, conn: Any) -> None:
        """Give a connection back. Doing it twice, or after `close`, does nothing.

        A connection that cannot be cleaned within `release_timeout` is closed and replaced; that
        is logged, and it is not the caller's error. Raises asyncpg.InterfaceError for a
        connection of another pool.
        """
        if self.pool is None:
            return
        self._state.check_loop()
        seconds = self._lent.end(conn)
        if seconds is None:
            if not given_back(conn):
                await self.pool.release(conn)  # asyncpg says what is wrong.
            return
        self.times.use.record(seconds)
        await self._lent.give_back_to(self.pool, conn, self._limits.release_timeout)

    async def close(self, timeout: float = 10.0) -> CloseReport:
        """Close the pool within `timeout` seconds and say what was left.

        From now on nobody gets a connection; whoever waits for one is told PoolClosed. Then the
        connections that are lent out have until the timeout to come back. What is left after
        that is terminated. Closing twice is harmless, and closing while `initialize` runs waits
        for that first, then ends it. The pool may be initialised again.
        """
        if self._state.name in ("new", "closed"):
            return CloseReport()
        self._state.check_loop()
        if self._state.name == "opening":
            timeout = await self._state.end_opening(timeout)
        async with self._closing_alone:
            if self.pool is None:  # Closed by somebody else meanwhile, or never opened.
                return CloseReport()
            self._state.name = "closing"
            try:
                return await close_pool(self.pool, timeout, self._waiting, self._lent)
            finally:
                self.pool, self._state.name = None, "closed"
                self._lent.forget()

    def get_pool_stats(self) -> dict[str, Any]:
        """Numbers of this moment; before `initialize` and after `close` the sizes are 0.

        `acquired_count` connections are lent out, `idle_count` are free, and `queue_size`
        requests wait for a connection. `timeouts` and the times (in seconds, as
        `DurationSummary`) are of all requests since `initialize`.
        """
        lent, waiting = len(self._lent), len(self._waiting)
        return pool_stats(self.pool, lent, waiting, self.timeouts, self.times)

    def __del__(self, _warn: Callable[..., None] = warnings.warn) -> None:
        # A default argument is still there when Python ends and takes the modules apart.
        if getattr(self, "pool", None) is not None:
            _warn("A pool was never closed: its sessions stay open.", ResourceWarning, source=self)

    async def __aenter__(self) -> DatabasePool:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()
