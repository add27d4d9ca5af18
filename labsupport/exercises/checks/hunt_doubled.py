"""Hunt 15.3: an order whose reply was lost is tried again, and stored once."""

from __future__ import annotations

from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench
from labsupport.exercises.shops import opened
from labsupport.postgres import Distant, Server, distant

__all__ = ["check"]

NOBODY = 10**9
ORDERS = "SELECT id, idempotency_key FROM orders WHERE amount_cents = $1 ORDER BY id"
TRIES = "SELECT last_value FROM orders_id_seq"
LOOK = "by what the database can tell that a second try is the same order, and where that is made"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Order with and without a key and lose the reply; order the same twice on purpose."""
    onlooker = await asyncpg.connect(**bench.where)
    server = Server(**bench.where, where="own")
    try:
        async with distant(server, round_trip=0) as far:
            place = {"host": far.server.host, "port": far.server.port}
            async with opened(bench, answer, pool_max_size=2, **place) as shop:
                await _lost(shop, bench, onlooker, far, 1_000_001, "mine", "with a key")
                await _lost(shop, bench, onlooker, far, 1_000_002, None, "without a key")
                await _lost(shop, bench, onlooker, far, 1_000_003, None, "without a key")
                await _same_key(shop, bench, onlooker)
                await _twice_on_purpose(shop, bench, onlooker)
                await _at_once_an_error(shop, bench, onlooker)
                await bench.all_returned(shop.pool.pool, "all orders", "who gives it back")
            lost = (await far.counts()).swallowed
    finally:
        onlooker.terminate()
    return {"replies that were lost on the way": lost, "orders stored twice": 0}


async def _order(shop: Any, bench: Bench, amount: int, key: str | None, which: str) -> Any:
    what = f"place_order(1, {amount}, {key!r}){which}"
    return await bench.run(what, lambda: shop.place_order(1, amount, key), look=LOOK)


async def _lost(
    shop: Any, bench: Bench, onlooker: Any, far: Distant, amount: int, key: str | None, how: str
) -> None:
    """Lose the reply to the COMMIT, so that the order is stored and nobody learns of it."""
    before = (await far.counts()).swallowed
    await far.swallow_next("COMMIT")
    said = await _order(shop, bench, amount, key, ", whose reply was lost,")
    if (await far.counts()).swallowed == before:
        bench.expect(False, "place_order sent no COMMIT.", "a transaction.", "its `async with`")
    stored = await onlooker.fetch(ORDERS, amount)
    bench.expect(
        len(stored) == 1,
        f"an order {how}, whose reply was lost after it was stored, is there {len(stored)} times.",
        "once.",
        LOOK,
    )
    bench.expect(
        said == stored[0]["id"],
        f"an order {how}, whose reply was lost, returned {said!r} and is stored as "
        f"{stored[0]['id']}.",
        "the id under which it is stored, so that the client gets its answer.",
        "what happens after the connection was lost, and what place_order returns then",
    )
    bench.expect(
        key is None or stored[0]["idempotency_key"] == key,
        f"an order with the key {key!r} is stored with {stored[0]['idempotency_key']!r}.",
        "the client's own key, with which it may ask again.",
        "which key is given on",
    )


async def _same_key(shop: Any, bench: Bench, onlooker: Any) -> None:
    first = await _order(shop, bench, 1_000_010, "again", "")
    again = await _order(shop, bench, 1_000_010, "again", " for the second time")
    stored = await onlooker.fetch(ORDERS, 1_000_010)
    bench.expect(
        len(stored) == 1 and first == again == stored[0]["id"],
        f"two requests with the same key returned {first!r} and {again!r}, and stored "
        f"{len(stored)} orders.",
        "the same id twice, and one order.",
        "what is done with the client's key",
    )


async def _twice_on_purpose(shop: Any, bench: Bench, onlooker: Any) -> None:
    """Without a key, somebody who orders the same again wants it twice."""
    ids = [await _order(shop, bench, 1_000_020, None, "") for _ in range(2)]
    stored = [row["id"] for row in await onlooker.fetch(ORDERS, 1_000_020)]
    bench.expect(
        sorted(ids) == stored and len(stored) == 2,
        f"two requests without a key for the same amount returned {ids} and stored {stored}.",
        "two orders: it is no error of the network when somebody buys the same again.",
        "what makes two orders the same order",
    )


async def _at_once_an_error(shop: Any, bench: Bench, onlooker: Any) -> None:
    nobody = await bench.run("an order by nobody", lambda: shop.place_order(NOBODY, 500, None))
    bench.expect(
        nobody is None,
        f"an order by a user who does not exist returned {nobody!r}.",
        "None.",
        "what place_order returns",
    )
    before = await onlooker.fetchval(TRIES)
    await bench.must_raise(
        "place_order(1, -500, None)",
        lambda: shop.place_order(1, -500, None),
        asyncpg.CheckViolationError,
        expected="asyncpg.CheckViolationError, at once.",
        look="which errors are worth another try",
    )
    tries = await onlooker.fetchval(TRIES) - before
    bench.expect(
        tries <= 1,
        f"an order with a wrong amount was tried {tries} times.",
        "one try, because a wrong amount does not get better.",
        "which errors are worth another try",
    )
