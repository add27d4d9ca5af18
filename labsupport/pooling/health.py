"""Whether the database behind a pool can be worked with, asked again and again."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import asyncpg
from asyncpg import exceptions as pg

from .errors import DATABASE_ERRORS
from .exceptions import PoolOverloaded, PoolTimeout, WrongEventLoop
from .pool import DatabasePool
from .repeating import Repeater
from .stats import places_taken

__all__ = ["ConnectionHealthMonitor"]

RETRY_AFTER = 5.0  # seconds between checks while something is wrong

REFUSALS = (
    pg.TooManyConnectionsError,  # the server is full, or the role or the database is
    pg.CannotConnectNowError,  # it starts, stops or recovers
    pg.InvalidAuthorizationSpecificationError,  # user, password or address; wrong passwords too
    pg.InvalidCatalogNameError,  # no database of this name
    pg.ObjectNotInPrerequisiteStateError,  # the database takes no connections
    pg.InsufficientPrivilegeError,  # the user may not connect to this database
    pg.ProtocolViolationError,  # so does PgBouncer refuse
)
"""What a server that is there says to somebody whom it does not let in."""


class ConnectionHealthMonitor:
    """Checks a pool every `check_interval` seconds; a check takes `timeout` seconds at most.

        monitor = ConnectionHealthMonitor(pool)
        await monitor.start_monitoring()
        print(monitor.is_healthy(), monitor.get_health_status())

    A check borrows a connection of the pool and asks the server whether it takes writes: a
    standby answers every SELECT and yet nothing can be stored there. A pool that is only for
    reading says `needs_writes=False`. Raises ValueError for times that are not above zero.
    """

    def __init__(
        self,
        pool: DatabasePool,
        check_interval: float = 30,
        *,
        timeout: float = 2.0,
        needs_writes: bool = True,
    ) -> None:
        if min(check_interval, timeout) <= 0:
            raise ValueError("check_interval and timeout are above 0 s.")
        self.pool = pool
        self.check_interval = check_interval
        self.timeout = timeout
        self.needs_writes = needs_writes
        self._status = _unknown("not checked", "No check has finished yet.")
        self._checked_at = time.monotonic()
        self._repeater = Repeater("connection health", self.check, self._pause)

    @property
    def monitoring(self) -> bool:
        """Whether it is checking now and then."""
        return self._repeater.is_running

    @property
    def health_stats(self) -> dict[str, Any]:
        """The same as `get_health_status()`."""
        return self.get_health_status()

    async def start_monitoring(self) -> None:
        """Start checking and return after the first check. A second start changes nothing.

        Raises WrongEventLoop when it was started in another event loop.
        """
        await self._repeater.start()

    async def stop_monitoring(self) -> None:
        """Stop at once, also in the middle of a check. From now on the health is not known.

        Raises WrongEventLoop, and goes on, when it was started in another event loop.
        """
        if self.monitoring:
            await self._repeater.stop()
            last_check = self._status["last_check"]
            stopped = _unknown("stopped", "Monitoring was stopped.")
            self._status = {**stopped, "last_check": last_check}

    def get_health_status(self) -> dict[str, Any]:
        """Return what the last check found.

        `status`: "healthy", "unhealthy", or "unknown" when there is no check that still counts.
        `reason`: one or two words, the same for the same kind of trouble: "ok", "exhausted",
        "unreachable", "refused", "no answer", "read only", "error"; and when the health is
        unknown "not checked", "check failed", "stale", "stopped".
        `last_check`: seconds since 1970 when the check ended, or None. `pool_stats`: as of then,
        and as of now when there is no check that still counts.
        `response_time`: seconds that a healthy answer took, with the wait for a connection.
        `error`: a sentence, in all other cases.
        """
        status = dict(self._status)
        age = time.monotonic() - self._checked_at
        # So old that one more check should have ended since.
        if status["status"] != "unknown" and age > 2 * self.check_interval + self.timeout:
            stale = _unknown("stale", f"The last check is {age:.1f} s old.")
            status = {**stale, "last_check": status["last_check"]}
        return {"pool_stats": self.pool.get_pool_stats(), **status}

    def is_healthy(self) -> bool:
        """Whether the last check is recent and found nothing wrong; the status says why not."""
        return bool(self.get_health_status()["status"] == "healthy")

    async def check(self) -> dict[str, Any]:
        """Check now, within `timeout` seconds, and return the new status.

        Only errors of the database and of the pool count as its illness. A mistake in the program
        is raised, and the health is not known then. So is WrongEventLoop, which changes nothing.
        """
        started = time.monotonic()
        try:
            takes_writes = await self._ask(asyncio.get_running_loop().time() + self.timeout)
        except WrongEventLoop:
            raise
        except DATABASE_ERRORS as error:
            return self._note(self._diagnosis(error))
        except Exception as error:
            self._note(_unknown("check failed", f"The check itself failed: {error!r}"))
            raise
        return self._note(self._verdict(takes_writes, time.monotonic() - started))

    def _note(self, found: dict[str, Any]) -> dict[str, Any]:
        """Replace the status as a whole, so that nothing of the old one lives on."""
        self._checked_at = time.monotonic()
        now, stats = time.time(), self.pool.get_pool_stats()
        self._status = {**found, "last_check": now, "pool_stats": stats}
        return dict(self._status)

    async def _ask(self, deadline: float) -> bool:
        """Return whether the server takes writes."""
        conn = await self.pool.acquire(timeout=self.timeout)
        try:
            async with asyncio.timeout_at(deadline):
                # A standby is always read only; so may be a role, a database or a server.
                answer = await conn.fetchval("SELECT current_setting('transaction_read_only')")
                await self.pool.release(conn)
        except BaseException:
            with contextlib.suppress(asyncpg.InterfaceError):  # It is closed or back already.
                conn.terminate()  # Giving it back would wait for the answer as well.
            await self.pool.release(conn)
            raise
        return bool(answer == "off")

    def _verdict(self, takes_writes: bool, seconds: float) -> dict[str, Any]:
        if takes_writes or not self.needs_writes:
            return {"status": "healthy", "reason": "ok", "response_time": seconds}
        return _unhealthy(
            "read only",
            "The server answers but takes no writes: it is a standby, or set to read only.",
        )

    def _diagnosis(self, error: BaseException) -> dict[str, Any]:
        if isinstance(error, PoolTimeout | PoolOverloaded):
            stats = self.pool.get_pool_stats()
            if places_taken(stats) >= stats["max_size"]:
                return _unhealthy(
                    "exhausted",
                    f"The pool is exhausted; the database was not asked. {error}",
                )
            return _unhealthy("unreachable", f"No connection could be opened. {error}")
        if isinstance(error, TimeoutError):
            return _unhealthy(
                "no answer",
                f"No answer in {self.timeout:g} s, or giving the connection back took longer.",
            )
        said = f"{type(error).__name__}: {error}"
        if isinstance(error, REFUSALS):
            return _unhealthy("refused", f"The server is there and refused a connection. {said}")
        return _unhealthy("unreachable" if isinstance(error, OSError) else "error", said)

    def _pause(self) -> float:
        healthy = self._status["status"] == "healthy"
        return self.check_interval if healthy else min(RETRY_AFTER, self.check_interval)


def _unhealthy(reason: str, error: str) -> dict[str, Any]:
    return {"status": "unhealthy", "reason": reason, "error": error}


def _unknown(reason: str, error: str) -> dict[str, Any]:
    return {"last_check": None, "status": "unknown", "reason": reason, "error": error}
