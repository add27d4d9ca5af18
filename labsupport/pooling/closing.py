"""Closing a pool: in good order if there is time, and within a limit in any case."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic

import asyncpg

from .close_report import CloseReport
from .lending import Lending
from .waiting import WaitingLine

__all__ = ["close_pool"]

logger = logging.getLogger(__name__)

LOOK_EVERY = 0.01
"""Seconds between two looks whether everything has come back."""


async def close_pool(
    pool: asyncpg.Pool, timeout: float, waiting: WaitingLine, lent: Lending
) -> CloseReport:
    """Send away who waits, let what is lent out come back, and close; report how it went.

    What is left after `timeout` seconds, or when closing fails or is cancelled, is terminated.
    """
    started, refused, graceful = monotonic(), waiting.send_away(), False
    try:
        async with asyncio.timeout(timeout):
            while waiting or lent:
                await asyncio.sleep(LOOK_EVERY)
            await pool.close()
        graceful = True
    except Exception as error:
        logger.warning("The pool is closed by terminating what is left: %r", error)
    finally:
        left = lent.unreturned()
        pool.terminate()
    logger.info("Connection pool closed")
    return CloseReport(monotonic() - started, refused, left, graceful)
