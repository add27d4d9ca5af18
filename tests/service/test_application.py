"""The shop's routes: what they answer, with which status, and what the log says of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from labsupport.postgres import OwnServer
from labsupport.service import Service, StatusError

ORDER = {"user_id": 7, "amount_cents": 1250}


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
    after = await service.pool()
    assert after["timeouts"] - before["timeouts"] == 3
    assert (after["max_size"], after["size"], after["acquired_count"]) == (2, 2, 0)
    assert any("/report answered with 503: PoolTimeout" in line for line in service.log())


async def test_metrics_count_each_loan(service: Service) -> None:
    before = await service.metrics()
    for _ in range(3):
        await service.ask("GET", "/users/1")
    after = await service.metrics()
    name = "use_time_seconds_count"
    assert after[name] - before[name] == 3
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
