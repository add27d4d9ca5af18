"""Challenge 16.3: two hundred clients on twenty connections, while somebody else is slow."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from labsupport.exercises.bench import Bench
from labsupport.exercises.shops import opened
from labsupport.service.challenges import PaymentRefused

__all__ = ["check"]

CLIENTS = 200
CONNECTIONS = 20
CROWD = 888000
"""The amount of the orders that come at once; those before them come alone."""
LIMIT = 5.0
"""Seconds for the crowd, more on a slow machine."""
LOOK = "what is held while the payment is under way"
COUNT = "SELECT count(*) FROM orders WHERE amount_cents = $1"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """One order, one that is refused, one of nobody; then two hundred at once."""
    bench.expect(
        isinstance(answer, type) and callable(getattr(answer, "pay", None)),
        "the answer has no method pay.",
        "a class made from PayingShop.",
        "the first line of your class",
    )
    watched = _watched(answer)
    async with opened(bench, watched, pool_max_size=CONNECTIONS, acquire_timeout=10) as shop:
        await _alone(shop, bench)
        return await _all_at_once(shop, bench)


def _watched(answer: type) -> type:
    """The learner's class, with a provider that notes what it sees and can refuse."""

    class Watched(answer):  # type: ignore[misc]
        def __init__(self, settings: Any) -> None:
            super().__init__(settings)
            self.payments: Counter[tuple[int, int]] = Counter()
            self.held: list[int] = []
            self.stored_too_early = 0
            self.refuses = False
            self.under_way = self.most_under_way = 0
            self.more_than_connections = asyncio.Event()

        async def pay(self, user_id: int, amount_cents: int) -> None:
            self.payments[user_id, amount_cents] += 1
            self.held.append(self.pool.get_pool_stats()["acquired_count"])
            if amount_cents == CROWD:
                await self._pay_in_the_crowd()
            else:
                self.stored_too_early += await _stored(self, amount_cents)
                await asyncio.sleep(0.02)
            if self.refuses:
                raise PaymentRefused("The card has expired.")

        async def _pay_in_the_crowd(self) -> None:
            """Take half a second, and wait until more are paid at once than have connections."""
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            if self.under_way > CONNECTIONS:
                self.more_than_connections.set()
            await asyncio.sleep(0.5)
            await self.more_than_connections.wait()
            self.under_way -= 1

    Watched.__name__ = answer.__name__
    return Watched


async def _stored(shop: Any, amount: int) -> int:
    async with shop.pool.acquire() as conn:
        return int(await conn.fetchval(COUNT, amount))


async def _alone(shop: Any, bench: Bench) -> None:
    call = "place_order(1, 777001, 'one')"
    await _refused(shop, bench)
    stored = await bench.run(call, lambda: shop.place_order(1, 777001, "one"))
    bench.expect(
        isinstance(stored, int) and await _stored(shop, 777001) == 1,
        f"{call} gave {stored!r}, and {await _stored(shop, 777001)} such orders are stored.",
        "the id of the one order that is stored.",
        "what place_order stores and returns",
    )
    bench.expect(
        shop.payments[1, 777001] == 1,
        f"{call} paid {shop.payments[1, 777001]} times.",
        "one payment: `await self.pay(user_id, amount_cents)`.",
        "what place_order asks the provider",
    )
    bench.expect(
        shop.held[-1] == 0,
        f"while an order was paid, {shop.held[-1]} connection was lent out.",
        "none: the provider takes half a second, and needs no connection of ours.",
        LOOK,
    )
    again = await bench.run(
        call + " again, with the same key,",
        lambda: shop.place_order(1, 777001, "one"),
        look="what the key is passed on to: the same key means the same order",
    )
    bench.expect(
        again == stored and await _stored(shop, 777001) == 1,
        f"the same order with the same key gave {stored!r} and then {again!r}; "
        f"{await _stored(shop, 777001)} are stored.",
        "one order, and its id both times.",
        "what the key is passed on to",
    )
    nobody = await bench.run("place_order for nobody", lambda: shop.place_order(10**9, 777002, "x"))
    bench.expect(
        nobody is None and not shop.payments[10**9, 777002],
        f"an order of a user who does not exist gave {nobody!r} and "
        f"{shop.payments[10**9, 777002]} payments.",
        "None, and no payment.",
        "what comes before the payment",
    )


async def _refused(shop: Any, bench: Bench) -> None:
    shop.refuses = True
    await bench.must_raise(
        "an order whose payment is refused",
        lambda: shop.place_order(1, 777003, "refused"),
        PaymentRefused,
        expected="PaymentRefused, which reaches the caller.",
        look="whether pay is asked, and what happens to its exception",
    )
    shop.refuses = False
    bench.expect(
        await _stored(shop, 777003) == 0,
        "an order whose payment was refused is stored.",
        "that nothing is stored before it is paid.",
        "the order of the steps",
    )
    bench.expect(
        shop.payments[1, 777003] == 1,
        f"an order whose payment was refused asked the provider {shop.payments[1, 777003]} times.",
        "once.",
        "how often pay is asked, and what happens to its exception",
    )
    bench.expect(
        shop.stored_too_early == 0,
        "while an order was being paid, it was stored already.",
        "that nothing is stored before it is paid.",
        "the order of the steps",
    )


async def _all_at_once(shop: Any, bench: Bench) -> dict[str, Any]:
    bench.stage(f"{CLIENTS} orders at once")
    async with bench.watching() as peaks:
        orders = [
            asyncio.create_task(shop.place_order(1 + number, CROWD, f"client {number}"))
            for number in range(CLIENTS)
        ]
        await bench.until(lambda: all(task.done() for task in orders), limit=LIMIT)
    done = [task for task in orders if task.done()]
    late = len(orders) - len(done)
    errors = Counter(type(task.exception()).__name__ for task in done if task.exception())
    served = len(done) - errors.total()
    bench.expect(
        served == CLIENTS,
        f"of {CLIENTS} clients at once, {served} were served; {late} had no answer in time"
        + "".join(f", {count} got {name}" for name, count in errors.items())
        + f"; {shop.most_under_way} payments were under way at the same time, at most.",
        "that all of them are served.",
        LOOK,
    )
    bench.expect(
        peaks["sessions"] <= CONNECTIONS,
        f"the server saw {peaks['sessions']} sessions.",
        f"at most {CONNECTIONS}.",
        "where connections come from",
    )
    bench.expect(
        await _stored(shop, CROWD) == CLIENTS,
        f"{await _stored(shop, CROWD)} of the {CLIENTS} orders are stored.",
        "each of them, once.",
        "what place_order stores",
    )
    bench.no_blocking_sleep("the orders")
    return {"clients served": served, "sessions at most": peaks["sessions"]}
