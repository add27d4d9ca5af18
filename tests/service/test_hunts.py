"""The shops with a fault: each shows it every time, and its mended form does not."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import Any

import pytest

from labsupport.exercises.spine import find_task
from labsupport.postgres import OwnServer, Server, connect, distant
from labsupport.service import Shop
from labsupport.service.challenges import PayingShop
from labsupport.service.hunts import CheckingShop, GuestShop, RetryingShop, WatchedShop
from tests.exercises.bank import load_solution
from tests.service.opening import SIZE, opened

NOBODY = 10**9
STATES = "SELECT state FROM pg_stat_activity WHERE application_name = $1"


def both(kind: type[Shop], task_id: str) -> pytest.MarkDecorator:
    """The shop with its fault, and the one that the reference solution makes of it."""
    cases = [(kind, True), (load_solution(find_task(task_id)), False)]
    return pytest.mark.parametrize(("kind", "faulty"), cases, ids=["hunted", "mended"])


@both(GuestShop, "15.1")
async def test_a_user_who_does_not_exist_costs_a_connection(
    own: OwnServer, kind: type[Shop], faulty: bool
) -> None:
    async with opened(kind, own.server) as shop:
        assert (await shop.user(1))["id"] == 1
        for number in range(1, SIZE + 1):
            assert await shop.user(NOBODY) is None
            assert shop.pool.get_pool_stats()["acquired_count"] == (number if faulty else 0)
        async with connect(own.server) as onlooker:
            states = [row["state"] for row in await onlooker.fetch(STATES, kind.__name__)]
        assert states == ["idle"] * (SIZE if faulty else 1)
        with pytest.raises(TimeoutError) if faulty else contextlib.nullcontext():
            assert await shop.user(1)


@both(CheckingShop, "15.2")
async def test_orders_at_once_wait_for_each_other(
    own: OwnServer, kind: type[Shop], faulty: bool
) -> None:
    async with opened(kind, own.server) as shop:
        for _ in range(SIZE):
            assert await shop.place_order(1, 500, None)
        assert await shop.place_order(NOBODY, 500, None) is None
        orders = [asyncio.create_task(shop.place_order(1, 500, None)) for _ in range(3 * SIZE)]
        standstill = await _standstill(own.server, shop, orders)
        ended = await asyncio.gather(*orders, return_exceptions=True)
        refused = Counter(type(error).__name__ for error in ended if not isinstance(error, int))
        assert standstill == faulty
        assert set(refused) == ({"PoolTimeout"} if faulty else set())
        assert shop.pool.get_pool_stats()["acquired_count"] == 0


async def _standstill(server: Server, shop: Any, orders: list[asyncio.Task[Any]]) -> bool:
    """Whether there is a moment in which all hold or wait, and the server has nothing to do."""
    async with connect(server) as onlooker:
        while not all(order.done() for order in orders):
            states = [row["state"] for row in await onlooker.fetch(STATES, type(shop).__name__)]
            all_wait = shop.pool.get_pool_stats()["queue_size"] == len(orders)
            if all_wait and states == ["idle in transaction"] * SIZE:
                return True
            await asyncio.sleep(0.02)
    return False


@both(RetryingShop, "15.3")
@pytest.mark.parametrize("key", [None, "a client's"])
async def test_an_order_without_a_key_is_stored_again_after_a_lost_reply(
    own: OwnServer, kind: type[Shop], faulty: bool, key: str | None
) -> None:
    amount = 2_000_000 + 2 * faulty + (key is None)
    unique = f"{key} {amount}" if key else None
    async with distant(own.server, round_trip=0) as far, opened(kind, far.server) as shop:
        await far.swallow_next("COMMIT")
        said = await shop.place_order(1, amount, unique)
        assert (await far.counts()).swallowed == 1
    async with connect(own.server) as onlooker:
        find = "SELECT id, idempotency_key AS key FROM orders WHERE amount_cents = $1"
        found = await onlooker.fetch(find, amount)
    assert len(found) == (2 if faulty and key is None else 1)
    # Each has a key, and the key is not the same: that is how the database let the second one in.
    assert len({row["key"] for row in found} - {None}) == len(found)
    assert said in [row["id"] for row in found]


@both(WatchedShop, "15.4")
async def test_a_standby_is_called_healthy(own: OwnServer, kind: type[Shop], faulty: bool) -> None:
    async with opened(kind, own.server) as shop:
        assert (await shop.health())["status"] == "healthy"
        await own.restart(as_standby=True)
        try:
            async with connect(own.server) as onlooker:
                assert await onlooker.fetchval("SELECT pg_is_in_recovery()")
            assert ((await shop.health())["status"] == "healthy") == faulty
        finally:
            await own.restart()
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(SIZE):
                await stack.enter_async_context(shop.pool.acquire())
            assert (await shop.health())["status"] == "unhealthy"
        assert (await shop.health())["status"] == "healthy"


@both(PayingShop, "16.3")
async def test_a_connection_is_held_while_somebody_else_is_asked(
    own: OwnServer, kind: type[PayingShop], faulty: bool
) -> None:
    held = []

    class Noting(kind):  # type: ignore[misc, valid-type]
        """The same shop, with a provider that notes what is lent out meanwhile."""

        async def pay(self, user_id: int, amount_cents: int) -> None:
            """Take the money at once."""
            held.append(self.pool.get_pool_stats()["acquired_count"])

    async with opened(Noting, own.server) as shop:
        assert await shop.place_order(1, 500, None)
    assert held == [1 if faulty else 0]
