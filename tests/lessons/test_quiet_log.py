"""Futures that asyncpg abandons are not reported in a notebook; any others are."""

from __future__ import annotations

import asyncio
import gc
import logging

import pytest

from labsupport.lessons import quiet_log


async def abandon(error: Exception) -> None:
    """Leave a future behind whose exception nobody asks for."""
    asyncio.get_running_loop().create_future().set_exception(error)
    gc.collect()
    await asyncio.sleep(0)


async def test_only_what_asyncpg_abandons_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("asyncio")
    quiet_log.leave_out_abandoned_futures()
    try:
        await abandon(ConnectionError("unexpected connection_lost() call"))
        await abandon(ConnectionError("the network is gone"))
    finally:
        logger.removeFilter(quiet_log._is_worth_reading)
    said = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert "the network is gone" in said
    assert "unexpected connection_lost() call" not in said
