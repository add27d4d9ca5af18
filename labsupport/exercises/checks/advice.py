"""Exercise 09.a: what to do about a pool, from its numbers."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator
from typing import Any

from labsupport.exercises.bench import Bench
from labsupport.pooling import DatabasePool

__all__ = ["check"]

Rows = list[dict[str, Any]]
LEAK, LARGER, SMALLER, LEAVE = "find the leak", "larger", "smaller", "leave it"
LOOK = "round 4: which number tells which of the four conditions, and in which order to ask"


def _rows(in_use: tuple[int, ...], queue: tuple[int, ...], most: int = 8) -> Rows:
    """Looks at a pool that keeps all its connections open."""
    return [
        {
            "acquired_count": used,
            "queue_size": waiting,
            "max_size": most,
            "min_size": most,
            "size": most,
            "idle_count": most - used,
        }
        for used, waiting in zip(in_use, queue, strict=True)
    ]


CASES: tuple[tuple[str, Rows, float, str], ...] = (
    ("nothing in use, nobody waiting", _rows((0, 0, 0, 0), (0, 0, 0, 0)), 0.0, SMALLER),
    ("2 of 8 in use at most", _rows((0, 1, 2, 1), (0, 0, 0, 0)), 0.1, SMALLER),
    ("3 of 8 in use once, and else none", _rows((0, 3, 0, 0), (0, 0, 0, 0)), 0.1, LEAVE),
    ("all in use and nobody waiting", _rows((8, 8, 8, 8), (0, 0, 0, 0)), 0.1, LEAVE),
    ("waiting requests at 1 of 4 looks", _rows((8, 8, 7, 8), (0, 30, 0, 0)), 0.1, LEAVE),
    ("waiting requests at 2 of 4 looks", _rows((8, 8, 8, 8), (0, 3, 0, 2)), 0.1, LEAVE),
    ("waiting requests at 3 of 4 looks", _rows((8, 8, 8, 8), (1, 0, 1, 2)), 0.1, LARGER),
    ("2 of 8 in use, and waiting all the time", _rows((2, 2, 2), (1, 3, 2)), 0.1, LARGER),
    ("waiting requests and a loan of 30 s", _rows((8, 8, 8), (1, 2, 3)), 30.0, LARGER),
    ("waiting requests and a loan of 31 s", _rows((8, 8, 8), (1, 2, 3)), 31.0, LEAK),
    ("1 of 8 in use, for 90 s", _rows((1, 1, 1), (0, 0, 0)), 90.0, LEAK),
)
POOLS = (
    ("a real pool of 4 that nobody uses", 4, 0, 0, 0.0, SMALLER),
    ("a real pool of 4 with 3 in use", 4, 3, 0, 0.2, LEAVE),
    ("a real pool of 2 for 4 requests", 2, 2, 2, 0.2, LARGER),
    ("a real pool of 2 that gets nothing back", 2, 2, 1, 45.0, LEAK),
)
"""Name, size, connections lent, requests waiting, and the longest loan that is told."""


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Show it rows of made-up pools, and then of four real ones."""
    bench.expect(
        not inspect.iscoroutinefunction(answer),
        "advise is an async function: a call returns a coroutine, and no text.",
        "an ordinary function, without await.",
        "how the function is defined",
    )
    for what, rows, longest, right in CASES:
        await _ask(answer, bench, what, rows, longest, right)
    for what, size, lent, waiting, longest, right in POOLS:
        async with _used_pool(bench, size, lent, waiting) as pool:
            rows = [pool.get_pool_stats() for _ in range(4)]
        await _ask(answer, bench, what, rows, longest, right)
    return {what: right for what, *_, right in POOLS}


async def _ask(
    answer: Any, bench: Bench, what: str, rows: Rows, longest: float, right: str
) -> None:
    call = f"advise with {what} (longest loan {longest:g} s)"
    said = await bench.run(call, lambda: answer([dict(row) for row in rows], longest), look=LOOK)
    bench.expect(said == right, f"{call} said {said!r}.", f"{right!r}.", LOOK)


@contextlib.asynccontextmanager
async def _used_pool(bench: Bench, size: int, lent: int, waiting: int) -> AsyncIterator[Any]:
    """A pool with so many connections lent out, and so many requests that wait for one."""
    bench.stage("preparing a real pool")

    async def request() -> None:
        async with pool.acquire(timeout=5):
            pass

    async with DatabasePool() as pool:
        await pool.initialize(**bench.where, min_size=size, max_size=size)
        kept = [await pool.acquire(timeout=5) for _ in range(lent)]
        tasks = [asyncio.create_task(request()) for _ in range(waiting)]
        await bench.until(lambda: pool.get_pool_stats()["queue_size"] == waiting)
        yield pool
        for connection in kept:
            await pool.release(connection)
        await asyncio.gather(*tasks)
