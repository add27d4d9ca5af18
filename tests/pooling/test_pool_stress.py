"""Many acquires with timeouts, cancellations and killed backends: no connection is lost.

The long run of this kind, with writes, is `tests/deep/test_pool_stress.py`.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any

import asyncpg
import pytest

from labsupport.pooling import DatabasePool, LeakWatch, MaxLifetime, PoolError, PoolTimeout
from tests.pooling.opening import open_pool, sessions, until

REQUESTS = 1500
EXPECTED = (PoolTimeout, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


async def one_request(pool: DatabasePool, dice: random.Random, outcomes: Counter[str]) -> None:
    """Borrow with a short timeout and query; count how it ended."""
    try:
        async with pool.acquire(timeout=dice.choice([0, 0.003, 0.02, 5])) as conn:
            assert await conn.fetchval("SELECT $1::int", 7) == 7
            if dice.random() < 0.2:
                await conn.execute("SELECT pg_sleep(0.004)")
        outcomes["done"] += 1
    except asyncio.CancelledError:
        outcomes["cancelled"] += 1
        raise
    except EXPECTED as error:
        outcomes["timeout" if isinstance(error, PoolTimeout) else "broken"] += 1


@pytest.mark.parametrize("beside", ["nothing", "leak watch and lifetime"])
async def test_faults_under_load_lose_no_connection(
    where: dict[str, Any], onlooker: Any, beside: str
) -> None:
    dice = random.Random(20)
    outcomes: Counter[str] = Counter()
    observers = [] if beside == "nothing" else [LeakWatch(after=60), MaxLifetime(0.2)]
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'my_app_pool' ORDER BY random() LIMIT 1"
    )
    killed = 0
    async with open_pool(where, *observers, min_size=0, max_size=5) as pool:
        for _ in range(REQUESTS // 50):
            tasks = [asyncio.create_task(one_request(pool, dice, outcomes)) for _ in range(50)]
            await asyncio.sleep(dice.random() * 0.02)
            for task in dice.sample(tasks, 12):
                task.cancel()
            killed += len(await onlooker.fetch(kill))
            unexpected = [
                outcome
                for outcome in await asyncio.gather(*tasks, return_exceptions=True)
                if outcome is not None and not isinstance(outcome, asyncio.CancelledError)
            ]
            assert unexpected == []
        # The faults took place, and so did the work.
        assert killed >= 20 and outcomes["broken"] >= 1, (killed, outcomes)
        assert min(outcomes["done"], outcomes["timeout"], outcomes["cancelled"]) >= 50, outcomes
        assert pool.get_pool_stats()["queue_size"] == 0
        await until(lambda: pool.get_pool_stats()["acquired_count"] == 0, "all are back")
        held = [await pool.acquire() for _ in range(5)]  # Every place is still there.
        with pytest.raises(PoolError):
            await pool.acquire(timeout=0)
        for conn in held:
            await pool.release(conn)
        assert (await pool.close()).graceful
    async with asyncio.timeout(10):
        while await sessions(onlooker):
            await asyncio.sleep(0.02)
