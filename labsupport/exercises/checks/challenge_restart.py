"""Challenge 16.2: a server's restart under load, within a budget of errors, and no order twice."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter
from typing import Any

import asyncpg

from labsupport.errors import LabError
from labsupport.exercises.bench import Bench
from labsupport.exercises.shops import opened

__all__ = ["check"]

BEFORE, STOPPING, AWAY, STARTING, AFTER = 16, 2, 14, 8, 12
"""Orders while the server is up, is being stopped, is away, is being started, and is up again."""
ORDERS = BEFORE + STOPPING + AWAY + STARTING + AFTER
EVERY = 0.03
BUDGET = 0.05
"""Of all orders. Those that come while the server is away are more, so they have to be saved."""
PATIENCE, SPARE = 4, 1.5
"""Seconds for which an order is tried, and what it may take longer."""
LONGEST_OUTAGE = 3.2
"""Seconds. A restart that takes longer is no fair trial of an order's patience."""
FIRST_AMOUNT = 1_000_000
"""Each order of the check has an amount of its own, from this one on."""
STORED = "SELECT id, amount_cents FROM orders WHERE amount_cents >= $1"
DATABASE_ERRORS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
LOOK = "what happens to a request whose connection is refused or lost"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Orders at a steady rate while the server is stopped and started again."""
    limits = {"pool_max_size": 5, "connect_timeout": 2}
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))  # Nobody listens there.
        nowhere = {"host": "127.0.0.1", "port": door.getsockname()[1]}
        async with (
            opened(bench, answer, **limits, **nowhere) as lonely,
            opened(bench, answer, **limits) as shop,
        ):
            giving_up = asyncio.create_task(_give_up(lonely, bench))
            await _as_before(shop, bench)
            answered, failed = await _under_load(shop, bench)
            _judge(answered, failed, await _stored(bench), bench)
            await _ask_again(shop, answered, bench)
            _judge_end(await giving_up, bench)
    bench.no_blocking_sleep("the load")
    return {"orders answered": len(answered), "errors": dict(failed)}


async def _as_before(shop: Any, bench: Bench) -> None:
    stored = await bench.run("place_order(1, 500, 'a')", lambda: shop.place_order(1, 500, "a"))
    again = await bench.run("place_order(1, 500, 'a')", lambda: shop.place_order(1, 500, "a"))
    bench.expect(
        isinstance(stored, int) and stored == again,
        f"the same order with the same key gave {stored!r} and then {again!r}.",
        "the same id twice.",
        "what the key is passed on to",
    )
    nobody = await bench.run("place_order for nobody", lambda: shop.place_order(10**9, 500, "b"))
    bench.expect(
        nobody is None,
        f"an order of a user who does not exist gave {nobody!r}.",
        "None.",
        "what place_order returns",
    )
    await bench.must_raise(
        "place_order(1, -500, 'c')",
        lambda: shop.place_order(1, -500, "c"),
        asyncpg.CheckViolationError,
        expected="CheckViolationError, at once: no further attempt mends it.",
        look="which errors another attempt can mend",
        limit=1.5,
    )


async def _stored(bench: Bench) -> list[tuple[int, int]]:
    """Id and amount of the check's orders, as the database has them."""
    conn = await asyncpg.connect(**bench.where, timeout=5)
    rows = await conn.fetch(STORED, FIRST_AMOUNT)
    conn.terminate()
    return [(row["id"], row["amount_cents"]) for row in rows]


async def _give_up(shop: Any, bench: Bench) -> asyncio.Future[Any]:
    """Return an order for which there is no server, at the end of its time."""
    order: asyncio.Future[Any] = asyncio.ensure_future(shop.place_order(1, 500, "nowhere"))
    await bench.until(order.done, limit=PATIENCE + SPARE)
    return order


def _judge_end(order: asyncio.Future[Any], bench: Bench) -> None:
    if not order.done():
        order.cancel()
        saw = "had not ended in time"
    elif error := order.exception():
        # Nobody is there to be waited for: a bare TimeoutError is a limit of the answer's own.
        if isinstance(error, DATABASE_ERRORS) and type(error) is not TimeoutError:
            return
        saw = f"ended with {type(error).__name__}"
    else:
        saw = f"returned {order.result()!r}"
    bench.expect(
        False,
        f"an order for which there is no server {saw}.",
        f"that the database's last error is raised, after {PATIENCE} s.",
        "when place_order gives up, and what it raises then",
    )


async def _ask_again(shop: Any, answered: dict[int, Any], bench: Bench) -> None:
    """The orders of the outage once more, with the same keys, as by clients without an answer."""
    those = range(FIRST_AMOUNT + BEFORE - 2, FIRST_AMOUNT + ORDERS - AFTER)
    outage = {amount: order for amount, order in answered.items() if amount in those}

    async def again(amount: int) -> Any:
        return await shop.place_order(
            1 + amount - FIRST_AMOUNT, amount, f"order {amount - FIRST_AMOUNT}"
        )

    ids = await bench.run(
        "the same orders with the same keys, after the restart",
        lambda: asyncio.gather(*(again(amount) for amount in outage)),
    )
    others = sum(first != then for first, then in zip(outage.values(), ids, strict=True))
    bench.expect(
        others == 0,
        f"{others} of {len(outage)} orders got another id when they were sent again with the "
        "same key.",
        "the id of the first time, also for an order that was tried more than once.",
        "what the key is passed on to, at each attempt",
    )


async def _under_load(shop: Any, bench: Bench) -> tuple[dict[int, Any], Counter[str]]:
    """The ids by amount, and what was raised.

    An order is begun every 0.03 s, but the next part waits until the server is as far, so that
    on a slow machine, too, some orders find no server.
    """
    bench.stage("place_order while the server restarts")
    tasks: list[asyncio.Task[Any]] = []

    async def begin(count: int) -> None:
        for number in range(len(tasks), len(tasks) + count):
            order = shop.place_order(1 + number, FIRST_AMOUNT + number, f"order {number}")
            tasks.append(asyncio.create_task(order))
            await asyncio.sleep(EVERY)

    await begin(BEFORE)
    stopped = time.monotonic()
    await asyncio.gather(begin(STOPPING), bench.stop_server())
    await begin(AWAY)
    await asyncio.gather(begin(STARTING), bench.start_server())
    outage = time.monotonic() - stopped
    await begin(AFTER)
    _, late = await asyncio.wait(tasks, timeout=3.5)
    if outage > LONGEST_OUTAGE:
        raise LabError(f"this machine has too much to do: the restart took {outage:.1f} s")
    answered: dict[int, Any] = {}
    failed: Counter[str] = Counter()
    for number, task in enumerate(tasks):
        if task in late:
            task.cancel()
            failed["no answer"] += 1
        elif (error := task.exception()) is not None:
            failed[type(error).__name__] += 1
        else:
            answered[FIRST_AMOUNT + number] = task.result()
    return answered, failed


def _judge(
    answered: dict[int, Any], failed: Counter[str], stored: list[tuple[int, int]], bench: Bench
) -> None:
    bench.expect(
        failed.total() <= BUDGET * ORDERS,
        f"of {ORDERS} orders while the server restarted, {failed.total()} failed "
        f"({', '.join(f'{count} {name}' for name, count in failed.items())}).",
        f"at most {BUDGET:.0%} of them: try again what a moment later may succeed.",
        LOOK,
    )
    twice = [amount for amount, count in Counter(row[1] for row in stored).items() if count > 1]
    bench.expect(
        not twice,
        f"{len(twice)} orders are stored twice.",
        "each order once, however often it was tried.",
        "what tells the database that it is the same order",
    )
    nothing = [amount for amount, order in answered.items() if order is None]
    bench.expect(
        not nothing,
        f"{len(nothing)} orders of users who exist were answered with None.",
        "an id, or an error: None says that there is no such user.",
        LOOK,
    )
    lost = set(answered.items()) - {(amount, stored_id) for stored_id, amount in stored}
    bench.expect(
        not lost,
        f"{len(lost)} orders were answered with an id, and no such order is stored.",
        "an id only when the transaction was committed.",
        "when place_order returns",
    )
