"""Trying again: how long to wait before it, and what a lost reply leaves open."""

from __future__ import annotations

import random
from collections.abc import Callable

from asyncpg import exceptions as pg

from .exceptions import PoolError

__all__ = ["ReplyLost", "backoff_seconds", "may_have_happened"]

ROLLED_BACK = (
    pg.SerializationError,
    pg.DeadlockDetectedError,
    pg.InvalidCachedStatementError,
    pg.CannotConnectNowError,
    pg.TooManyConnectionsError,
)
"""Transient errors with which the server itself says that nothing was done."""


class ReplyLost(PoolError):
    """The connection was lost before the reply came: the statement was done, or it was not.

    The error that was seen is its `__cause__`.
    """

    def __init__(self) -> None:
        super().__init__(
            "The connection was lost before the reply came, so the statement may have been done. "
            "Look whether it was. To have such a statement repeated, write it so that doing it "
            "twice changes nothing (a key and ON CONFLICT DO NOTHING) and say idempotent=True."
        )


def backoff_seconds(
    retry: int,
    first: float = 0.5,
    longest: float = 10.0,
    fraction: Callable[[], float] = random.random,
) -> float:
    """Return how long to wait before a retry; `retry` counts from 0.

    The limit is first * 2**retry, at most `longest`, and the wait a random part of it between
    half and all (AWS calls it equal jitter): clients that failed together do not come back
    together. `fraction` gives a random number from 0 to 1.
    """
    limit = min(longest, first * 2.0 ** min(retry, 60))
    return limit * (1 + fraction()) / 2


def may_have_happened(error: BaseException) -> bool:
    """Whether a statement that was sent may have been done, although `error` came back.

    For transient errors: a lost connection says nothing about what the server did before.
    """
    return not isinstance(error, ROLLED_BACK)
