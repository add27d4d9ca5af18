"""Hunt 15.2: an order gets along with one connection, and many orders with a few."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench
from labsupport.exercises.shops import opened

__all__ = ["check"]

SIZE = 3
ACQUIRE_LIMIT = 2.0
"""Seconds that an order waits for a connection; on a busy machine, many at once need some."""
NOBODY = 10**9
COUNT = "SELECT count(*) FROM orders"
NO_ADDRESS = "INSERT INTO users (name, email) VALUES ('Nobody', 'no address') RETURNING id"
LOOK = "how many connections one order holds at the same time, the functions it calls included"

KEPT = "who gives the connections back, at each way out of place_order"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Order alone, as somebody who may not, with one connection left, and many at once."""
    onlooker = await asyncpg.connect(**bench.where)
    try:
        async with opened(bench, answer, pool_max_size=SIZE, acquire_timeout=ACQUIRE_LIMIT) as shop:
            await _alone(shop, bench)
            await _refused(shop, bench, onlooker)
            await bench.all_returned(shop.pool.pool, "orders that were refused", KEPT)
            await _one_connection(shop, bench)
            return await _at_once(shop, bench, onlooker)
    finally:
        onlooker.terminate()


async def _alone(shop: Any, bench: Bench) -> None:
    first, again = [
        await bench.run("place_order(1, 500, 'a')", lambda: shop.place_order(1, 500, "a"))
        for _ in range(2)
    ]
    bench.expect(
        isinstance(first, int) and first == again,
        f"the same order with the same key gave {first!r} and then {again!r}.",
        "the same id twice.",
        "what is done with the key",
    )


async def _refused(shop: Any, bench: Bench, onlooker: Any) -> None:
    no_address = await onlooker.fetchval(NO_ADDRESS)
    whom = {"who does not exist": NOBODY, "whose e-mail has no @": no_address}
    for who, user_id in whom.items():
        before = await onlooker.fetchval(COUNT)
        what = f"an order by a user {who}"
        said = await bench.run(what, functools.partial(shop.place_order, user_id, 500, None))
        stored = await onlooker.fetchval(COUNT) - before
        bench.expect(
            said is None and not stored,
            f"{what} returned {said!r} and stored {stored} orders.",
            "None, and nothing stored.",
            "whom the shop takes orders from",
        )


async def _one_connection(shop: Any, bench: Bench) -> None:
    """Lend out all connections but one, and order."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(SIZE - 1):
            await stack.enter_async_context(shop.pool.acquire(timeout=2))
        what = "an order while one connection was free"
        try:
            stored = await asyncio.wait_for(shop.place_order(1, 500, "b"), 3)
        except Exception as error:
            bench.expect(
                False,
                f"{what} ended with {type(error).__name__} ({error}).",
                "that it is stored: one connection is enough for an order.",
                LOOK,
            )
        bench.expect(isinstance(stored, int), f"{what} returned {stored!r}.", "its id.", LOOK)


async def _at_once(shop: Any, bench: Bench, onlooker: Any) -> dict[str, Any]:
    many = 3 * SIZE
    before = await onlooker.fetchval(COUNT)
    orders = [shop.place_order(1, 700 + number, f"at once {number}") for number in range(many)]
    async with bench.watching() as peaks:
        ended = await bench.run(
            f"{many} orders at once", lambda: asyncio.gather(*orders, return_exceptions=True)
        )
    stored = await onlooker.fetchval(COUNT) - before
    errors = {type(error).__name__ for error in ended if isinstance(error, BaseException)}
    bench.expect(
        stored == many and len(set(ended)) == many,
        f"of {many} orders at once on {SIZE} connections, {stored} were stored"
        + (f"; the others ended with {', '.join(sorted(errors))}." if errors else "."),
        "that all are stored: each waits for its turn, and the turn comes.",
        LOOK,
    )
    await bench.all_returned(shop.pool.pool, "all orders", KEPT)
    return {"orders at once": many, "connections": SIZE, "sessions at most": peaks["sessions"] - 1}
