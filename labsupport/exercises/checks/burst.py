"""Exercise 02.a: a pool that grows for a burst and shrinks after it, seen from the server."""

from __future__ import annotations

import asyncio
from typing import Any

from labsupport.exercises.bench import Bench

__all__ = ["check"]

LOW, HIGH = 2, 6
IDLE = 0.5


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Count the sessions after the opening, in a burst, and when nobody asks any more."""
    pool = await bench.run("open_pool", lambda: answer(**bench.where), look="the pool's settings")
    bench.needs(pool, ("acquire", "close"), "what open_pool returned")
    await _begins(bench)
    await _grows(pool, bench)
    await _shrinks(bench)
    await bench.run("close()", pool.close)
    await bench.no_sessions("close()", "what open_pool opens besides the pool that it returns")
    return {"sessions at the start, in a burst, and after it": f"{LOW}, {HIGH}, {LOW}"}


async def _begins(bench: Bench) -> None:
    count = await bench.session_count(LOW, limit=1.0)
    bench.expect(
        count == LOW,
        f"{count} sessions were open after open_pool.",
        f"{LOW}, before anybody asks.",
        "part 2: which setting says how many are kept open, and whether the pool was opened",
    )


async def _grows(pool: Any, bench: Bench) -> None:
    async def request() -> int:
        async with pool.acquire(timeout=10) as conn:
            pid: int = await conn.fetchval("SELECT pg_backend_pid() FROM pg_sleep(0.3)")
            return pid

    async with bench.watching() as peak:
        pids = await bench.run(
            "a burst of 10 requests",
            lambda: asyncio.gather(*(request() for _ in range(10))),
            look="what requests do when the pool has no more connections",
        )
    # The sessions are looked at now and then, and who answered is known from each request.
    most = max(peak["sessions"], len(set(pids)))
    bench.expect(
        most == HIGH,
        f"{most} sessions were open at most during a burst of 10 requests.",
        f"{HIGH}: the pool grows to its maximum, and not beyond it.",
        "part 1: which setting says how many there may be",
    )


async def _shrinks(bench: Bench) -> None:
    look = "part 2: which setting closes connections that nobody uses, in which unit, and which not"
    count = await bench.session_count(LOW, limit=IDLE + 1.5)
    bench.expect(
        count == LOW,
        f"{count} sessions were still open {IDLE + 1:g} s after the burst.",
        f"{LOW}: what nobody has used for {IDLE} s is closed, down to these.",
        look,
    )
    await asyncio.sleep(IDLE + 0.2)
    count = len(await bench.sessions())
    bench.expect(
        count == LOW,
        f"{count} sessions were open when nobody had asked for a while longer.",
        f"still {LOW}.",
        look,
    )
