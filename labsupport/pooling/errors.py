"""What a database error means: try again, or which answer to give to whoever asked.

Nothing here knows a web framework. With FastAPI, say, one line translates:

    except QueryFailed as error:
        raise HTTPException(error.status_code, error.detail) from error
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from typing import Any, Protocol

import asyncpg
from asyncpg import exceptions as pg

from .exceptions import PoolClosed, PoolError, PoolOverloaded, WrongEventLoop
from .retrying import ReplyLost, may_have_happened
from .statements import may_commit_midway

__all__ = ["QueryFailed", "health_check", "is_transient", "safe_query_execution", "status_of"]

logger = logging.getLogger(__name__)

TRANSIENT = (
    pg.PostgresConnectionError,  # the connection broke; ConnectionDoesNotExistError is one
    pg.CannotConnectNowError,  # the server starts or stops
    pg.AdminShutdownError,
    pg.CrashShutdownError,
    pg.IdleSessionTimeoutError,
    pg.TooManyConnectionsError,
    pg.SerializationError,  # rolled back; run the whole transaction again
    pg.DeadlockDetectedError,
    pg.InvalidCachedStatementError,  # a table has changed; the statement is prepared anew
    # asyncpg raises this when it meets an answer while a connection is being closed.
    pg.InternalClientError,
)
NOT_TRANSIENT = (
    pg.ProtocolViolationError,  # for example a parameter that PgBouncer does not take
    pg.ProtocolError,
    ssl.SSLCertVerificationError,
)
LOST = ("connection is closed", "released back to the pool")
"""What asyncpg's InterfaceError says when the connection was lost while it was lent out."""

TEMPORARY = (
    pg.OperatorInterventionError,  # shut down, cancelled, statement_timeout
    pg.InsufficientResourcesError,
    pg.LockNotAvailableError,
    pg.ReadOnlySQLTransactionError,  # the server has become a standby
    PoolClosed,
    PoolOverloaded,
    TimeoutError,
)
CONFLICTS = (pg.ForeignKeyViolationError, pg.ExclusionViolationError, pg.RestrictViolationError)
BAD_INPUT = (pg.DataError, pg.NotNullViolationError, pg.CheckViolationError)

END_LIMIT = 1.0
"""Seconds that a server has to end a statement that took too long."""

DATABASE_ERRORS = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    PoolError,
)


class PoolLike(Protocol):
    """A `DatabasePool` or an `asyncpg.Pool`."""

    def acquire(self, *, timeout: float | None = None) -> Any:
        """Borrow a connection: `async with pool.acquire(timeout=1) as conn:`."""


class QueryFailed(Exception):
    """A query failed; what to tell the one who asked. The database's error is its `__cause__`."""

    def __init__(self, status_code: int, detail: str) -> None:
        super().__init__(f"{status_code} {detail}")
        self.status_code = status_code
        """HTTP status: 503 try again later, 409 conflict, 400 wrong input, 500 our mistake."""
        self.detail = detail
        """A sentence that may be shown: it holds nothing of the query or of the data."""


def is_transient(error: BaseException) -> bool:
    """Return whether the same call may well succeed a moment later.

    True for a lost connection, a server that is down, starting or stopping, too many connections,
    and a transaction that lost against another. False for mistakes in the call, for a closed pool
    and for a limit that was reached: whoever waited for its whole limit has no time to try again.

    It does not say that trying again is safe. A lost connection loses the reply as well, and the
    statement may have been done: repeat only what may happen twice.
    """
    if isinstance(error, NOT_TRANSIENT):
        return False
    if isinstance(error, ConnectionError) and "rejected SSL upgrade" in str(error):
        return False  # The server speaks no TLS, and will not in a moment.
    if isinstance(error, TimeoutError):
        # A limit of asyncio carries no number; a connection that the network gave up does.
        return error.errno is not None
    if isinstance(error, asyncpg.InterfaceError):
        # asyncpg says so of its caller's mistakes, and of a connection that was lost meanwhile.
        return any(words in str(error) for words in LOST)
    return isinstance(error, (*TRANSIENT, OSError))


def status_of(error: BaseException) -> tuple[int, str]:
    """Return the HTTP status for a database error, and a sentence that may be shown.

    503 when it may work later, 409 for a conflict with what is stored, 400 for values that cannot
    be right, 500 for everything else: mistakes in the query or in the program.

    A lost reply (`ReplyLost`) is a 503 with a sentence of its own: the database is out of reach
    now, and a change may have been made, so whoever asked has to look before asking again.
    """
    if isinstance(error, ReplyLost):
        return 503, "Database temporarily unavailable; a change may have been made"
    if isinstance(error, TEMPORARY) or is_transient(error) or _pool_is_closed(error):
        return 503, "Database temporarily unavailable"
    if isinstance(error, pg.UniqueViolationError):
        return 409, "Resource already exists"
    if isinstance(error, CONFLICTS):
        return 409, "The request conflicts with what is stored"
    if isinstance(error, BAD_INPUT):
        return 400, "A value in the request is not valid"
    return 500, "Internal server error"


def _pool_is_closed(error: BaseException) -> bool:
    """Whether asyncpg's own pool says that it takes no more work."""
    closing = ("pool is closing", "pool is closed")
    return isinstance(error, asyncpg.InterfaceError) and str(error) in closing


async def safe_query_execution(
    pool: PoolLike, query: str, *args: Any, timeout: float = 30.0
) -> list[Any]:
    """Return the rows of a query, waiting `timeout` seconds at most for connection and answer.

    A server that does not answer costs up to a second more, in which it is asked to end the query.
    A shorter `command_timeout` of the pool still holds. Raises `QueryFailed` for every error, with
    the database's error as its cause; what is our mistake (500) is logged with its traceback.
    """
    conn: Any = None
    try:
        deadline = asyncio.get_running_loop().time() + timeout
        async with pool.acquire(timeout=timeout) as conn:
            try:
                async with asyncio.timeout_at(deadline):
                    return list(await conn.fetch(query, *args))
            except TimeoutError:
                await _end_query(conn)
                raise
    except Exception as error:
        is_lost = conn is not None and _may_be_done(query, error)
        status, detail = status_of(ReplyLost() if is_lost else error)
        level = {500: logging.ERROR, 503: logging.WARNING}.get(status, logging.INFO)
        said = ("Database error, answered with %d: %s", status, _said(error))
        logger.log(level, *said, exc_info=status == 500)
        raise QueryFailed(status, detail) from error


async def _end_query(conn: Any) -> None:
    """Wait until the server has ended a query whose limit was reached; give up after END_LIMIT.

    asyncpg is asking the server to do so already, and giving the connection back would wait for
    it longer. To terminate the connection at once would leave the query running, with its locks.
    """
    try:
        await conn.execute("SELECT 1", timeout=END_LIMIT)
    except DATABASE_ERRORS:
        with contextlib.suppress(asyncpg.InterfaceError):  # It is lost by now.
            conn.terminate()


def _may_be_done(query: str, error: Exception) -> bool:
    """Whether a statement that was sent may have been done, although this came back."""
    if isinstance(error, TimeoutError):
        return True
    if may_commit_midway(query):
        return status_of(error)[0] == 503
    return is_transient(error) and may_have_happened(error)


async def health_check(pool: PoolLike, *, timeout: float = 2.0) -> dict[str, Any]:
    """Ask the database for an answer, within about `timeout` seconds.

    Giving the connection back to a `DatabasePool` may take its `release_timeout` more.

    Returns {"status": "healthy", "pool_size": connections} or {"status": "unhealthy", "error":
    what went wrong}. An exhausted pool is unhealthy too, and the text says that it was the wait
    for a connection that took too long. Mistakes in the program are raised, not reported.
    """
    deadline = asyncio.get_running_loop().time() + timeout
    doing = "waiting for a connection"
    try:
        async with pool.acquire(timeout=timeout) as conn:
            doing = "waiting for the answer to SELECT 1"
            try:
                async with asyncio.timeout_at(deadline):
                    await conn.execute("SELECT 1")
            except TimeoutError:
                with contextlib.suppress(asyncpg.InterfaceError):  # It is lost by now.
                    conn.terminate()  # It does not answer; giving it back would wait as well.
                raise
        return {"status": "healthy", "pool_size": _size(pool)}
    except WrongEventLoop:
        raise
    except DATABASE_ERRORS as error:
        return {"status": "unhealthy", "error": f"{_said(error)} ({doing})"}


def _size(pool: Any) -> int:
    """Connections of a `DatabasePool` or an `asyncpg.Pool`."""
    if hasattr(pool, "get_pool_stats"):
        return int(pool.get_pool_stats()["size"])
    return int(pool.get_size())


def _said(error: BaseException) -> str:
    """Class and text of an error; a TimeoutError of asyncio has no text of its own."""
    return f"{type(error).__name__}: {str(error) or 'the limit was reached'}"
