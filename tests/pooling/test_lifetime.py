"""The maximum lifetime, on real backends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from labsupport.pooling import DatabasePool, MaxLifetime, PoolObserver
from tests.pooling.opening import open_pool, until
from tests.pooling.test_pool import take_and_return

THERE = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)"


async def pids_until(pool: DatabasePool, enough: Callable[[], bool]) -> list[int]:
    """Keep the pool busy until it was `enough`; return which backend served each request."""
    seen = []
    async with asyncio.timeout(30):
        while not enough():
            seen.append(await take_and_return(pool))
    return seen


async def test_connections_of_a_busy_pool_are_renewed_and_no_request_fails(
    where: dict[str, Any],
) -> None:
    lifetime = MaxLifetime(0.1)
    async with open_pool(where, lifetime, min_size=2) as pool:
        working = [pids_until(pool, lambda: lifetime.retired >= 6) for _ in range(4)]
        answers = await asyncio.gather(*working)
        served = {pid for answer in answers for pid in answer}
        assert len(served) >= 4
        assert lifetime.retired >= len(served) - 2
        assert pool.get_pool_stats()["create_time"].count >= len(served)


async def test_a_connection_is_not_renewed_while_it_is_lent_out_but_when_it_is_back(
    where: dict[str, Any], onlooker: Any
) -> None:
    now = 0.0
    lifetime = MaxLifetime(60, jitter=0, clock=lambda: now)
    async with open_pool(where, lifetime) as pool:
        async with pool.acquire() as conn:
            mine = conn.get_server_pid()
            now = 61.0
            assert await take_and_return(pool) != mine
            assert lifetime.retired == 0
            assert await conn.fetchval("SELECT pg_backend_pid()") == mine
        assert lifetime.retired == 1
        async with asyncio.timeout(10):
            while await onlooker.fetchval(THERE, mine):
                await asyncio.sleep(0.01)
        assert await take_and_return(pool) != mine


async def test_a_connection_that_grew_old_while_idle_is_not_lent_any_more(
    where: dict[str, Any],
) -> None:
    now = 0.0
    lifetime = MaxLifetime(60, jitter=0, clock=lambda: now)
    async with open_pool(where, lifetime, max_size=1) as pool:
        first = await take_and_return(pool)
        now = 59.0
        assert await take_and_return(pool) == first
        now = 60.0
        second = await take_and_return(pool)
        assert second != first and lifetime.retired == 1
        now = 119.0
        assert await take_and_return(pool) == second


async def test_jitter_makes_connections_end_at_different_times(where: dict[str, Any]) -> None:
    now = 0.0
    parts = iter([0.0, 0.5, 1.0])
    lifetime = MaxLifetime(100, jitter=0.2, clock=lambda: now, fraction=lambda: next(parts, 0.0))
    async with open_pool(where, lifetime, min_size=3, max_size=3) as pool:
        renewed = []
        for moment in (79.9, 80.0, 90.0, 100.0):
            now = moment
            held = [await pool.acquire() for _ in range(3)]
            renewed.append(lifetime.retired)
            for conn in held:
                await pool.release(conn)
        assert renewed == [0, 1, 2, 3]


async def test_a_broken_connection_is_forgotten(where: dict[str, Any], onlooker: Any) -> None:
    lifetime = MaxLifetime(60)
    async with open_pool(where, lifetime, max_size=1) as pool:
        conn = await pool.acquire()
        await onlooker.fetchval("SELECT pg_terminate_backend($1, 5000)", conn.get_server_pid())
        await pool.release(conn)
        assert not lifetime.is_spent(conn)
        await take_and_return(pool)
        await until(lambda: len(lifetime._ends) == 1, "the old one is forgotten")
        assert lifetime.retired == 0


async def test_an_observer_may_call_a_broken_connection_spent(
    where: dict[str, Any], onlooker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Retires(PoolObserver):
        def is_spent(self, conn: Any) -> bool:
            return broken

    broken = False
    async with open_pool(where, Retires(), min_size=0, max_size=1) as pool:
        async with pool.acquire() as conn:
            await onlooker.fetchval("SELECT pg_terminate_backend($1, 5000)", conn.get_server_pid())
            await until(lambda: pool.get_pool_stats()["size"] == 0, "the pool saw it end")
            broken = True
        broken = False
        await take_and_return(pool)
    assert "observer of the pool failed" not in caplog.text


@pytest.mark.parametrize("options", [{"seconds": 0}, {"seconds": 1, "jitter": 1}])
def test_values_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not"):
        MaxLifetime(**options)
