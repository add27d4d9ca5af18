"""Closing a pool: in good order, with work in flight, with waiters, with a leak."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import psutil
import pytest

from labsupport.pooling import DatabasePool, LeakWatch, PoolClosed
from tests.pooling.opening import open_pool, sessions, until
from tests.pooling.test_pool import silent_server, take_and_return


async def gone(onlooker: Any) -> None:
    """Wait until no session of a pool is left on the server."""
    async with asyncio.timeout(10):
        while await sessions(onlooker):
            await asyncio.sleep(0.02)


async def test_the_block_closes_the_pool_also_after_an_error(
    where: dict[str, Any], onlooker: Any
) -> None:
    with pytest.raises(KeyError):
        async with open_pool(where, min_size=2) as pool:
            assert await sessions(onlooker) == 2
            raise KeyError("the caller's own")
    assert pool.pool is None
    await gone(onlooker)


async def test_close_waits_for_what_is_lent_out(where: dict[str, Any], onlooker: Any) -> None:
    async with open_pool(where) as pool:
        conn = await pool.acquire()
        closing = asyncio.create_task(pool.close(timeout=10))
        await asyncio.sleep(0.05)
        assert not closing.done()
        assert await conn.fetchval("SELECT 1") == 1
        await pool.release(conn)
        report = await closing
    assert report.graceful and report.left == ()
    assert "in good order" in str(report)
    await gone(onlooker)


async def test_waiters_are_told_that_the_pool_is_closed(
    where: dict[str, Any], onlooker: Any
) -> None:
    async with open_pool(where, max_size=1) as pool:
        conn = await pool.acquire()
        waiters = [asyncio.create_task(take_and_return(pool)) for _ in range(5)]
        await until(lambda: pool.get_pool_stats()["queue_size"] == 5, "five wait")
        closing = asyncio.create_task(pool.close(timeout=10))
        outcomes = await asyncio.gather(*waiters, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [PoolClosed] * 5
        assert not closing.done()  # They are told before the borrower is back.
        with pytest.raises(PoolClosed, match="closing"):
            await pool.acquire()
        await pool.release(conn)
        report = await closing
    assert report.graceful and report.refused == 5
    await gone(onlooker)


async def test_requests_that_are_connecting_when_close_begins_are_told_too(
    where: dict[str, Any], onlooker: Any
) -> None:
    async with open_pool(where, min_size=0, max_size=5) as pool:
        waiters = [asyncio.create_task(take_and_return(pool)) for _ in range(5)]
        await asyncio.sleep(0.001)
        assert pool.get_pool_stats()["size"] == 0
        report = await pool.close()
        outcomes = await asyncio.gather(*waiters, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [PoolClosed] * 5
        assert report.graceful
    await gone(onlooker)


async def test_a_leaked_connection_is_terminated_and_reported_with_its_borrower(
    where: dict[str, Any], onlooker: Any
) -> None:
    async with open_pool(where, LeakWatch()) as pool:
        leaked = await forget_to_release(pool)
        pid = leaked.get_server_pid()
        report = await pool.close(timeout=0.2)
        assert not report.graceful and report.seconds >= 0.2
        (left,) = report.left
        assert left.pid == pid and left.held_seconds >= 0.2
        assert "in forget_to_release" in left.where and "test_close.py" in left.where
        assert f"Backend {pid}" in str(report) and "forget_to_release" in str(report)
        await gone(onlooker)
        await pool.release(leaked)  # Comes too late and does nothing.


async def forget_to_release(pool: DatabasePool) -> Any:
    """Borrow a connection and keep it."""
    return await pool.acquire()


async def test_without_a_leak_watch_the_report_still_names_the_backend(
    where: dict[str, Any],
) -> None:
    async with open_pool(where) as pool:
        leaked = await pool.acquire()
        pid = leaked.get_server_pid()
        (left,) = (await pool.close(timeout=0)).left
        assert (left.pid, left.where) == (pid, "")


async def test_closing_twice_also_at_the_same_time_is_harmless(where: dict[str, Any]) -> None:
    async with open_pool(where, max_size=1) as pool:
        conn = await pool.acquire()
        waiter = asyncio.create_task(take_and_return(pool))
        await until(lambda: pool.get_pool_stats()["queue_size"] == 1, "one waits")
        closing = [asyncio.create_task(pool.close()) for _ in range(2)]
        with pytest.raises(PoolClosed):
            await waiter
        assert not any(task.done() for task in closing)
        await pool.release(conn)
        reports = await asyncio.gather(*closing)
        assert all(report.graceful for report in reports)
        assert sum(report.refused for report in reports) == 1
        assert (await pool.close()).graceful


@pytest.mark.same_machine
async def test_close_is_bounded_when_the_server_does_not_answer(
    where: dict[str, Any], onlooker: Any
) -> None:
    async with open_pool(where, max_size=1) as pool:
        frozen = psutil.Process(await take_and_return(pool))
        frozen.suspend()
        try:
            async with asyncio.timeout(20):
                report = await pool.close(timeout=0.3)
            assert not report.graceful and report.left == ()
        finally:
            frozen.resume()
    await gone(onlooker)


async def test_a_cancelled_close_leaves_no_session(where: dict[str, Any], onlooker: Any) -> None:
    async with open_pool(where) as pool:
        conn = await pool.acquire()
        closing = asyncio.create_task(pool.close(timeout=60))
        await asyncio.sleep(0.02)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        with pytest.raises(asyncpg.InterfaceError):
            await conn.fetchval("SELECT 1")
        with pytest.raises(PoolClosed):
            await pool.acquire()
    await gone(onlooker)


async def test_closing_while_it_opens_closes_what_was_opened(
    where: dict[str, Any], onlooker: Any
) -> None:
    pool = DatabasePool()
    opening = asyncio.create_task(pool.initialize(**where, min_size=2, max_size=2))
    await asyncio.sleep(0)
    assert (await asyncio.wait_for(pool.close(), 30)).graceful
    assert opening.done() and pool.pool is None
    await opening
    await gone(onlooker)


async def test_close_is_bounded_when_opening_meets_a_server_that_says_nothing() -> None:
    async with silent_server() as (host, port), asyncio.timeout(30):
        pool = DatabasePool()
        opening = asyncio.create_task(pool.initialize(host, port, connect_timeout=3600))
        await asyncio.sleep(0.1)
        await pool.close(timeout=0.2)
        with pytest.raises(PoolClosed, match="while it was opening"):
            await opening
        with pytest.raises(PoolClosed):
            await pool.acquire()


async def test_close_is_bounded_when_an_init_does_not_end(
    where: dict[str, Any], onlooker: Any
) -> None:
    begun = asyncio.Event()

    async def init(conn: Any) -> None:
        begun.set()
        await asyncio.sleep(3600)

    slow: dict[str, Any] = {"min_size": 1, "max_size": 1, "connect_timeout": 3600, "init": init}
    async with asyncio.timeout(30), DatabasePool() as pool:
        opening = asyncio.create_task(pool.initialize(**where, **slow))
        await begun.wait()
        await pool.close(timeout=0.1)
        with pytest.raises(PoolClosed, match="while it was opening"):
            await opening
        await gone(onlooker)
        await pool.initialize(**where, min_size=1, max_size=1)
        await take_and_return(pool)
