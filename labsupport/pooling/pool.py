"""The connection pool: `asyncpg.Pool` with a limit on every wait and honest numbers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any

import asyncpg

from .borrowing import Borrowing
from .close_report import CloseReport, Unreturned
from .durations import PoolTimes
from .exceptions import (
    PoolClosed,
    PoolError,
    PoolNotInitialized,
    PoolOverloaded,
    PoolTimeout,
    WrongEventLoop,
)
from .observers import PoolObserver
from .stats import in_words, pool_stats

__all__ = ["SESSION_SETTINGS", "DatabasePool"]

logger = logging.getLogger(__name__)

SESSION_SETTINGS: Mapping[str, str] = {
    "timezone": "UTC",
    "search_path": "public",
    "application_name": "my_app_pool",
    "statement_timeout": "30000",  # milliseconds
}
"""Settings of every session, unless `server_settings` says otherwise."""


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
        self._observers = observers
        self._waiting: set[asyncio.Timeout] = set()  # the limits of those who wait
        self._state = "new"  # then "opening", "open", "closing", "closed"
        self._borrowed: dict[Any, float] = {}  # connection -> when it was lent out

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
        when the pool is initialised already; ValueError for sizes that make no sense.
        """
        if self._state not in ("new", "closed"):
            raise PoolError("This pool is initialised already; await its close() first.")
        if min(acquire_timeout, release_timeout, connect_timeout) <= 0:
            raise ValueError("acquire_timeout, release_timeout and connect_timeout are above 0 s.")
        if max_waiting is not None and max_waiting < 0:
            raise ValueError(f"max_waiting is a number of requests or None, not {max_waiting}.")
        self._state = "opening"
        self._loop = asyncio.get_running_loop()
        self._closing_alone = asyncio.Lock()
        self._acquire_timeout, self._release_timeout = acquire_timeout, release_timeout
        self._max_waiting = max_waiting
        self.times, self.timeouts = PoolTimes(), 0
        # A SET in `init` would last until the first release only, because a release runs
        # RESET ALL. Settings sent at connect are what RESET ALL goes back to.
        session = {**SESSION_SETTINGS, **(server_settings or {})}
        try:
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
                timeout=connect_timeout,
                server_settings={k: str(v) for k, v in session.items() if v is not None},
                ssl=ssl,
                init=init,
                connect=self._connect,
                **options,
            )
        except BaseException:
            self._state = "new"
            raise
        self._state = "open"
        logger.info("Connection pool initialized: min=%d, max=%d", min_size, max_size)

    async def _connect(self, *args: Any, **options: Any) -> Any:
        """Open one connection for asyncpg's pool and note how long it took."""
        started = monotonic()
        conn = await asyncpg.connect(*args, **options)
        self.times.create.record(monotonic() - started)
        for observer in self._observers:
            observer.on_connect(conn)
        return conn

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
        if self._state != "open" or asyncio.get_running_loop() is not self._loop:
            raise self._why_unusable()
        if self._max_waiting is not None:
            self._refuse_when_too_many_wait(self._max_waiting)
        seconds = self._acquire_timeout if timeout is None else timeout
        asked_at = monotonic()
        try:
            async with asyncio.timeout(seconds) as limit:
                self._waiting.add(limit)
                try:
                    conn = await self.pool.acquire()
                    while self._observers and self._is_spent(conn):
                        conn.terminate()
                        conn = await self.pool.acquire()
                finally:
                    self._waiting.discard(limit)
        except TimeoutError:
            if self._state != "open":
                raise self._why_unusable() from None
            self.timeouts += 1
            stats = self.get_pool_stats()
            stats["queue_size"] += 1  # This request has just stopped waiting.
            raise PoolTimeout(f"No connection within {seconds:g} s: {in_words(stats)}.") from None
        # From here on nothing is awaited, so that no cancellation can lose the connection.
        now = monotonic()
        self.times.wait.record(now - asked_at)
        self._borrowed[conn] = now
        for observer in self._observers:
            observer.on_acquire(conn)
        return conn

    async def release(self, conn: Any) -> None:
        """Give a connection back. Doing it twice, or after `close`, does nothing.

        A connection that cannot be cleaned within `release_timeout` is closed and replaced; that
        is logged, and it is not the caller's error. Raises asyncpg.InterfaceError for a
        connection of another pool.
        """
        if self.pool is None:
            return
        if asyncio.get_running_loop() is not self._loop:
            raise WrongEventLoop
        borrowed_at = self._borrowed.pop(conn, None)
        if borrowed_at is None:
            await self.pool.release(conn)  # Nothing to do, or asyncpg says what is wrong.
            return
        self.times.use.record(monotonic() - borrowed_at)
        for observer in self._observers:
            observer.on_release(conn)
        if self._observers and self._is_spent(conn):
            conn.terminate()
            return
        try:
            await self.pool.release(conn, timeout=self._release_timeout)
        except Exception as error:
            # asyncpg has terminated the connection. What the caller did with it before was
            # done: to raise now would make a committed transaction look like a failed one.
            logger.warning("A connection could not be cleaned and was closed: %r", error)

    async def close(self, timeout: float = 10.0) -> CloseReport:
        """Close the pool within `timeout` seconds and say what was left.

        From now on nobody gets a connection; whoever waits for one is told PoolClosed. Then the
        connections that are lent out have until the timeout to come back. What is left after
        that is terminated. Closing twice is harmless. The pool may be initialised again.
        """
        pool = self.pool
        if pool is None:
            return CloseReport()
        if asyncio.get_running_loop() is not self._loop:
            raise WrongEventLoop
        async with self._closing_alone:
            return await self._close(pool, timeout) if self.pool is pool else CloseReport()

    async def _close(self, pool: asyncpg.Pool, timeout: float) -> CloseReport:
        self._state = "closing"
        started, refused, graceful = monotonic(), len(self._waiting), False
        for limit in self._waiting:
            if not limit.expired():
                limit.reschedule(0)  # Their time is up now.
        try:
            async with asyncio.timeout(timeout):
                while self._waiting or self._borrowed:
                    await asyncio.sleep(0.01)
                await pool.close()
            graceful = True
        except Exception as error:
            logger.warning("The pool is closed by terminating what is left: %r", error)
        finally:
            now = monotonic()
            left = tuple(
                Unreturned.of(conn, now - since, [o.where(conn) for o in self._observers])
                for conn, since in self._borrowed.items()
            )
            pool.terminate()
            self.pool, self._state = None, "closed"
            self._borrowed.clear()
            for observer in self._observers:
                observer.on_close()
        logger.info("Connection pool closed")
        return CloseReport(now - started, refused, left, graceful)

    def get_pool_stats(self) -> dict[str, Any]:
        """Numbers of this moment; before `initialize` and after `close` the sizes are 0.

        `acquired_count` connections are lent out, `idle_count` are free, and `queue_size`
        requests wait for a connection. `timeouts` and the times (in seconds, as
        `DurationSummary`) are of all requests since `initialize`.
        """
        lent, waiting = len(self._borrowed), len(self._waiting)
        return pool_stats(self.pool, lent, waiting, self.timeouts, self.times)

    def _is_spent(self, conn: Any) -> bool:
        spent = False
        for observer in self._observers:
            spent = observer.is_spent(conn) or spent
        return spent

    def _why_unusable(self) -> PoolError:
        if self._state in ("closing", "closed"):
            return PoolClosed(f"The pool is {self._state}: it lends no connections any more.")
        return WrongEventLoop() if self._state == "open" else PoolNotInitialized()

    def _refuse_when_too_many_wait(self, max_waiting: int) -> None:
        stats = self.get_pool_stats()
        if stats["acquired_count"] + stats["queue_size"] >= stats["max_size"] + max_waiting:
            raise PoolOverloaded(f"Too many requests wait: {in_words(stats)}.")

    async def __aenter__(self) -> DatabasePool:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()
