"""The lab's own pool for checks whose answers borrow from one."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

from labsupport.exercises.bench import Bench
from labsupport.pooling import DatabasePool

__all__ = ["database_pool"]

CLOSE_LIMIT = 0.2
"""Seconds that an answer's connections have to come back when the check is over."""


@contextlib.asynccontextmanager
async def database_pool(bench: Bench, size: int, **options: Any) -> AsyncIterator[DatabasePool]:
    """Give a `DatabasePool` of exactly `size` connections; `options` go to its `initialize`.

    What an answer has not given back at the end is ended, without a long wait.
    """
    # What goes wrong with the pool is told by the check, and not by the pool's log.
    logging.getLogger("labsupport.pooling").setLevel(logging.CRITICAL)
    pool = DatabasePool()
    await pool.initialize(**{**bench.where, "min_size": size, "max_size": size, **options})
    try:
        yield pool
    finally:
        await pool.close(timeout=CLOSE_LIMIT)
