"""Hunt 15.1: after a request for a user the connection is back, however the request ended."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench
from labsupport.exercises.shops import opened

__all__ = ["check"]

SIZE = 3
NOBODY = 10**9
TOO_LARGE = 2**63
"""No number that the database's type can hold, so that the query fails."""
LOOK = "each way out of user(), and what has happened to the connection by then"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Ask for users who exist and who do not, in error, cancelled, and many at once."""
    async with opened(bench, answer, pool_max_size=SIZE, acquire_timeout=2.5) as shop:
        await _found(shop, bench)
        for number in range(1, 3 * SIZE + 1):
            await _missing(shop, bench, number)
        await _fails(shop, bench)
        await _cancelled(shop, bench)
        await _at_once(shop, bench)
        stored = await bench.run(
            "place_order(1, 500, None)", lambda: shop.place_order(1, 500, None)
        )
        bench.expect(isinstance(stored, int), f"an order gave {stored!r}.", "its id.", "the rest")
    return {"requests for users who do not exist": 5 * SIZE, "connections still lent out": 0}


async def _all_back(shop: Any, bench: Bench, after: str) -> None:
    lent = shop.pool.get_pool_stats
    await bench.until(lambda: lent()["acquired_count"] == 0, limit=1.0)
    kept = lent()["acquired_count"]
    bench.expect(
        kept == 0,
        f"after {after}, {kept} of {SIZE} connections were still lent out.",
        "none: a request that has ended needs no connection.",
        LOOK,
    )


async def _found(shop: Any, bench: Bench) -> None:
    found = await bench.run("user(1)", lambda: shop.user(1))
    bench.expect(
        isinstance(found, dict) and found.get("id") == 1 and {"name", "email"} <= set(found),
        f"user(1) returned {found!r}.",
        "a dictionary with the id, the name and the e-mail of user 1.",
        "what user() returns for somebody who exists",
    )
    await _all_back(shop, bench, "a request for a user who exists")


async def _missing(shop: Any, bench: Bench, number: int) -> None:
    found = await bench.run(f"user({NOBODY})", lambda: shop.user(NOBODY), look=LOOK)
    bench.expect(
        found is None,
        f"user({NOBODY}), who does not exist, returned {found!r}.",
        "None.",
        "what user() returns for somebody who does not exist",
    )
    times = "a request" if number == 1 else f"{number} requests"
    await _all_back(shop, bench, f"{times} for a user who does not exist")


async def _fails(shop: Any, bench: Bench) -> None:
    await bench.must_raise(
        f"user({TOO_LARGE})",
        lambda: shop.user(TOO_LARGE),
        asyncpg.DataError,
        expected="asyncpg.DataError: no id is that large, and the caller has to learn of it.",
        look="which exceptions are caught",
    )
    await _all_back(shop, bench, "a request whose query failed")


async def _cancelled(shop: Any, bench: Bench) -> None:
    """Cancel a request whose query waits for a lock that is held here."""
    onlooker = await asyncpg.connect(**bench.where)
    try:
        async with onlooker.transaction():
            await onlooker.execute("LOCK TABLE users")
            task = asyncio.ensure_future(shop.user(NOBODY))
            await _waits_for_the_lock(task, bench)
            await bench.must_be_cancelled("user(), in the middle of its query,", task, LOOK)
    finally:
        onlooker.terminate()
    await _all_back(shop, bench, "a request that was cancelled in the middle of its query")


async def _waits_for_the_lock(task: asyncio.Task[Any], bench: Bench) -> None:
    """Return when the server holds up the query; a request that ends before is refused."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and not task.done():
        if any(session.wait_event == "relation" for session in await bench.sessions()):
            return
        await asyncio.sleep(0.02)
    what = "user(), while the table was locked,"
    if task.done():
        await bench.run(what, lambda: task, look=LOOK)
    bench.expect(
        False,
        f"{what} {'had ended' if task.done() else 'had not asked the server after 3 s'}.",
        "that it asks the table users.",
        "the query of user()",
    )


async def _at_once(shop: Any, bench: Bench) -> None:
    asked = [NOBODY, 1] * SIZE * 2
    found = await bench.run(
        f"{len(asked)} calls of user() at once",
        lambda: asyncio.gather(*(shop.user(user_id) for user_id in asked)),
        look=LOOK,
    )
    bench.expect(
        [None if one is None else one["id"] for one in found] == [None, 1] * SIZE * 2,
        f"of {len(asked)} calls at once, some got another answer than one alone.",
        "the same answers.",
        "what calls at the same time have in common",
    )
    await _all_back(shop, bench, "many requests at once")
