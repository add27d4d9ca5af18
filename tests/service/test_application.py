"""The shop's routes: what they answer, with which status, and what the log says of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from labsupport.postgres import OwnServer, connect
from labsupport.service import Service, Shop, StatusError, make_application
from tests.service.opening import SIZE, opened

ORDER = {"user_id": 7, "amount_cents": 1250}
LOANS = ("use_time_seconds_count", "use_time_seconds_sum")


async def status(service: Service, method: str, path: str, **options: Any) -> int:
    return (await service.client.request(method, path, **options)).status_code


async def test_users_orders_and_the_report_are_there(service: Service) -> None:
    user = await service.ask("GET", "/users/7")
    assert set(user) == {"id", "name", "email"} and user["id"] == 7
    before = await service.ask("GET", "/users/7/orders")
    stored = await service.ask("POST", "/orders", json=ORDER)
    assert await service.ask("GET", "/users/7/orders") == [*before, stored["id"]]
    assert (await service.ask("GET", "/report", params={"seconds": 0}))["users"] > 0
    assert (await service.ask("GET", "/health"))["status"] == "healthy"


async def test_an_order_is_answered_with_201(service: Service) -> None:
    assert await status(service, "POST", "/orders", json=ORDER) == 201


@pytest.mark.parametrize("user", [-1, 0, 99_999_999, 2**63 - 1, 2**63])
async def test_nobody_is_a_404(service: Service, user: int) -> None:
    assert await status(service, "GET", f"/users/{user}") == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user_id": 7},
        {"user_id": 7, "amount_cents": 0},
        {"user_id": 7, "amount_cents": 2**31},
        {"user_id": 2**63, "amount_cents": 5},
        {"user_id": "seven", "amount_cents": 5},
    ],
)
async def test_an_order_that_is_none_is_a_422(service: Service, body: dict[str, Any]) -> None:
    assert await status(service, "POST", "/orders", json=body) == 422


async def test_an_order_for_nobody_is_a_404_and_stores_nothing(service: Service) -> None:
    order = {"user_id": 99_999_999, "amount_cents": 5}
    assert await status(service, "POST", "/orders", json=order) == 404
    assert await service.ask("GET", "/users/99999999/orders") == []


class Breaking(Shop):
    """A shop in which something goes wrong after the order was stored."""

    async def store_order(self, conn: Any, user_id: int, amount_cents: int, key: str | None) -> int:
        await super().store_order(conn, user_id, amount_cents, key)
        raise RuntimeError("out of paper")


async def test_an_order_that_fails_half_way_is_not_stored(own: OwnServer) -> None:
    async with opened(Breaking, own.server) as shop:
        with pytest.raises(RuntimeError, match="out of paper"):
            await shop.place_order(7, 3_000_001, None)
    async with connect(own.server) as onlooker:
        query = "SELECT count(*) FROM orders WHERE amount_cents = 3000001"
        assert await onlooker.fetchval(query) == 0


async def test_a_report_that_is_too_long_is_a_422(service: Service) -> None:
    assert await status(service, "GET", "/report", params={"seconds": 61}) == 422


async def test_the_same_key_stores_one_order(service: Service) -> None:
    key = {"Idempotency-Key": "the same"}
    orders = (service.ask("POST", "/orders", json=ORDER, headers=key) for _ in range(2))
    at_once = await asyncio.gather(*orders)
    again = await service.ask("POST", "/orders", json=ORDER, headers=key)
    other = await service.ask("POST", "/orders", json=ORDER, headers={"Idempotency-Key": "other"})
    assert len({answer["id"] for answer in [*at_once, again]}) == 1
    assert other["id"] != again["id"]
    ids = Counter(await service.ask("GET", "/users/7/orders"))
    assert (ids[again["id"]], ids[other["id"]]) == (1, 1)


async def test_who_waits_too_long_is_refused_and_counted(service: Service) -> None:
    before = await service.pool()
    asked = [service.ask("GET", "/report", params={"seconds": 1.5}) for _ in range(5)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, StatusError)]
    assert [(error.status, type(error).__name__) for error in refused] == [(503, "Status503")] * 3
    # What the log says of the pool is nothing for a client.
    told = [json.loads(error.detail) for error in refused]
    assert told == [{"detail": "Database temporarily unavailable"}] * 3
    after = await service.pool()
    assert after["timeouts"] - before["timeouts"] == 3
    assert (after["max_size"], after["size"], after["acquired_count"]) == (2, 2, 0)
    assert any("/report answered with 503: PoolTimeout" in line for line in service.log())


async def test_who_waits_and_who_has_a_connection_is_published(own: OwnServer) -> None:
    async with opened(Shop, own.server, acquire_timeout=60) as shop:
        transport = httpx.ASGITransport(make_application(shop))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            service = Service("http://shop", os.getpid(), client, Path())
            async with contextlib.AsyncExitStack() as lent, asyncio.timeout(30):
                for _ in range(SIZE):
                    await lent.enter_async_context(shop.pool.acquire())
                asked = [asyncio.create_task(service.ask("GET", "/users/1")) for _ in range(5)]
                while shop.pool.get_pool_stats()["queue_size"] < 5:
                    await asyncio.sleep(0.01)
                full = await service.pool()
            await asyncio.gather(*asked)
            after = await service.pool()
    seen = [(now["acquired_count"], now["idle_count"], now["queue_size"]) for now in (full, after)]
    assert seen == [(SIZE, 0, 5), (0, SIZE, 0)]


async def test_metrics_count_each_loan_and_its_seconds(service: Service) -> None:
    before = await service.metrics()
    for seconds in (0, 0.1, 0.2):
        await service.ask("GET", "/report", params={"seconds": seconds})
    after = await service.metrics()
    lent, used = (after[name] - before[name] for name in LOANS)
    assert lent == 3
    assert used >= 0.3
    assert after["count idle"] + after["count used"] == (await service.pool())["size"]


async def test_a_stopped_database_is_503_until_it_is_back(own: OwnServer, service: Service) -> None:
    await own.stop()
    try:
        health, user = await asyncio.gather(
            service.client.get("/health"), service.client.get("/users/1")
        )
    finally:
        await own.start()
    assert (health.status_code, user.status_code) == (503, 503)
    assert health.json()["status"] == "unhealthy"
    assert own.server.password not in health.text + user.text
    assert await status(service, "GET", "/health") == 200
    assert await status(service, "GET", "/users/1") == 200
