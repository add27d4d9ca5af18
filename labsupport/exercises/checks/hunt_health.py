"""Hunt 15.4: a health check that says yes when orders can be stored, and else no."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench
from labsupport.exercises.shops import opened

__all__ = ["check"]

SIZE = 2
COUNT = "SELECT count(*) FROM orders"
READS_ONLY = "the server answered and took no writes"
LOOKS = {
    READS_ONLY: "what the question proves that the health check asks",
    "all connections were lent out": "what the health check says when it gets no connection",
    "the server was stopped": "what the health check says when it gets an error",
}
RECOVERY = 1.5
"""Seconds after which a server that is back has to be called healthy."""
RECOVERY_ASKED = 5
"""How often health is asked at least in that time, however busy the machine is."""


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Ask when all is well, when nothing can be stored, when the pool is full, without a server."""
    changes = {"pool_max_size": SIZE, "acquire_timeout": 1, "connect_timeout": 1}
    async with opened(bench, answer, **changes) as shop:
        # So that the first health check need not wait until a connection is opened.
        await bench.run("place_order(1, 500, None)", lambda: shop.place_order(1, 500, None))
        before = await _orders(bench)
        await _says_yes(shop, bench, "all was well")
        await _read_only(shop, bench)
        await _full(shop, bench)
        await _stopped(shop, bench)
        await _as_before(shop, bench, before)
    return {"said no when": ", ".join(LOOKS)}


async def _ask(shop: Any, bench: Bench, when: str) -> dict[str, Any]:
    said = await bench.run(f"health() while {when}", shop.health, look=LOOKS.get(when, ""))
    bench.expect(
        isinstance(said, dict) and isinstance(said.get("status"), str),
        f"while {when}, health() returned {said!r}.",
        'a dictionary with the key "status".',
        "what every way through health() returns",
    )
    return dict(said)


async def _says_yes(shop: Any, bench: Bench, when: str, limit: float = 0.0) -> None:
    """Expect "healthy", now or within `limit` seconds."""
    clock = asyncio.get_running_loop().time
    deadline, asked = clock() + limit, 1
    said = await _ask(shop, bench, when)
    while said["status"] != "healthy" and limit and (clock() < deadline or asked < RECOVERY_ASKED):
        await asyncio.sleep(0.1)
        said = await _ask(shop, bench, when)
        asked += 1
    bench.expect(
        said["status"] == "healthy",
        f"while {when}, health() returned {said!r}.",
        'the status "healthy", because orders can be stored.',
        "what the health check asks, and what it does with the answer",
    )


async def _says_no(shop: Any, bench: Bench, when: str) -> None:
    said = await _ask(shop, bench, when)
    bench.expect(
        said["status"] == "unhealthy" and bool(str(said.get("error") or "").strip()),
        f"while {when}, health() returned {said!r}.",
        'the status "unhealthy" and an "error" that says why, because no order can be stored.',
        LOOKS[when],
    )


async def _read_only(shop: Any, bench: Bench) -> None:
    name = '"' + bench.where["database"].replace('"', '""') + '"'
    setting = f"ALTER DATABASE {name} SET default_transaction_read_only TO "
    onlooker = await asyncpg.connect(**bench.where)
    try:
        await onlooker.execute(setting + "on")
        await _end_sessions(shop, bench, onlooker)
        for _ in range(SIZE + 1):
            await _says_no(shop, bench, READS_ONLY)
        await onlooker.execute(setting + "off")
        await _end_sessions(shop, bench, onlooker)
    finally:
        onlooker.terminate()
    await _says_yes(shop, bench, "the server took writes again", RECOVERY)


async def _end_sessions(shop: Any, bench: Bench, onlooker: Any) -> None:
    """End the shop's sessions, so that its next ones begin with the new setting."""
    mine = onlooker.get_server_pid()
    pids = [session.pid for session in await bench.sessions() if session.pid != mine]
    if pids:
        await bench.kill(*pids)
    await bench.until(lambda: shop.pool.get_pool_stats()["size"] == 0, limit=0.5)


async def _full(shop: Any, bench: Bench) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(SIZE):
            await stack.enter_async_context(shop.pool.acquire(timeout=2))
        await _says_no(shop, bench, "all connections were lent out")
    await _says_yes(shop, bench, "the connections were back")


async def _stopped(shop: Any, bench: Bench) -> None:
    await bench.stop_server()
    await _says_no(shop, bench, "the server was stopped")
    await bench.start_server()
    await _says_yes(shop, bench, "the server was back", RECOVERY)


async def _orders(bench: Bench) -> int:
    onlooker = await asyncpg.connect(**bench.where)
    try:
        return int(await onlooker.fetchval(COUNT))
    finally:
        onlooker.terminate()


async def _as_before(shop: Any, bench: Bench, before: int) -> None:
    after = await _orders(bench)
    bench.expect(
        after == before,
        f"the health checks have changed the number of orders from {before} to {after}.",
        "that they leave nothing behind.",
        "how it finds out whether something can be stored",
    )
    await bench.all_returned(shop.pool.pool, "all health checks", "who gives it back")
    stored = await bench.run("place_order(1, 500, None)", lambda: shop.place_order(1, 500, None))
    bench.expect(isinstance(stored, int), f"an order gave {stored!r}.", "its id.", "the rest")
