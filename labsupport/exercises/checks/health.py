"""Exercise 1.3: a health check that tells the truth, in time, and gives its connection back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from labsupport.exercises.bench import Bench, NotYet

__all__ = ["check"]

CLOCKS_DIFFER = 0.05
"""Seconds; the coarsest clocks tick every 16 ms."""


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Ask it about a healthy pool, a full one, a server that is gone, and one that came back."""
    async with bench.pool(2) as pool:
        seconds = await _healthy(answer, pool, bench, "with a healthy server")
        await bench.all_returned(pool, "a health check", "what happens to its connection")
        await _full(answer, pool, bench)
        await bench.all_returned(pool, "checks of a full pool", "what a timeout leaves behind")
        await bench.kill()
        await bench.stop_server()
        error = await _unhealthy(answer, pool, bench, "with a stopped server")
        await bench.start_server()
        await _recovers(answer, pool, bench)
        await bench.all_returned(pool, "an outage", "what an error leaves behind")
        await pool.close()
        await _unhealthy(answer, pool, bench, "with a closed pool")
    bench.no_blocking_sleep("the checks")
    return {"response_seconds when healthy": seconds, "error with a stopped server": error}


async def _healthy(
    answer: Any, pool: Any, bench: Bench, when: str, timeout: float = 3.0, waits: float = 0.0
) -> float:
    """Expect "healthy", and a time of at least `waits` and at most what was measured here."""
    began = time.perf_counter()
    said = await _ask(answer, pool, bench, when, timeout)
    took = time.perf_counter() - began
    bench.expect(
        said.get("status") == "healthy",
        f"{when}, health_check returned {said!r}.",
        "the status 'healthy', because the database answers.",
        "what the check asks of the pool, and which errors it takes for the database's",
    )
    seconds: Any = said.get("response_seconds")
    bench.expect(
        isinstance(seconds, (int, float)) and not isinstance(seconds, bool),
        f"{when}, response_seconds was {seconds!r}.",
        "the seconds that the answer took, as a number.",
        "how the time is taken, and under which key it is returned",
    )
    bench.expect(
        waits - CLOCKS_DIFFER <= seconds <= took + CLOCKS_DIFFER,
        f"{when}, the call took {took:.3f} s, and response_seconds was {seconds:.3f}.",
        "the seconds that it took to get a connection and the answer.",
        "where the clock is read first and last, and in which unit",
    )
    return float(seconds)


async def _unhealthy(answer: Any, pool: Any, bench: Bench, when: str, timeout: float = 2.0) -> str:
    said = await _ask(answer, pool, bench, when, timeout)
    bench.expect(
        said.get("status") == "unhealthy",
        f"{when}, health_check returned {said!r}.",
        "the status 'unhealthy', because no query can be answered.",
        "whether the check runs a query each time",
    )
    error = said.get("error")
    bench.expect(
        isinstance(error, str) and bool(error.strip()),
        f"{when}, the error was {error!r}.",
        "a text that says what went wrong.",
        "what the text of a TimeoutError is",
    )
    return str(error)


async def _ask(answer: Any, pool: Any, bench: Bench, when: str, timeout: float) -> dict[str, Any]:
    said = await bench.run(
        f"health_check(pool, timeout={timeout:g}) {when}",
        lambda: answer(pool, timeout=timeout),
        limit=timeout + 1.5,
        look="what limits each wait, and which exceptions are turned into 'unhealthy'",
    )
    bench.expect(
        isinstance(said, dict),
        f"{when}, health_check returned {said!r}.",
        "a dictionary.",
        "what every way through the function returns",
    )
    return dict(said)


async def _full(answer: Any, pool: Any, bench: Bench) -> None:
    held = [await pool.acquire() for _ in range(2)]
    try:
        await _unhealthy(answer, pool, bench, "with all connections lent out", timeout=0.4)
        bench.no_blocking_sleep("a check of a full pool")
        for seconds in (0.3, 0.9):
            # An answer that came much later than the connection shows nothing: then once more.
            if await _waiting(answer, pool, bench, held, seconds):
                break
        task = asyncio.ensure_future(answer(pool, timeout=5))
        await asyncio.sleep(0.1)
        await bench.must_be_cancelled(
            "health_check", task, "which exceptions are caught; a cancellation is none of them"
        )
    finally:
        for conn in held:
            await pool.release(conn)


async def _waiting(answer: Any, pool: Any, bench: Bench, held: list[Any], seconds: float) -> bool:
    """Let it wait so long; return whether most of its time was that wait."""

    async def give_back() -> float:
        await asyncio.sleep(seconds + 0.1)  # The call may begin a moment later.
        back = time.perf_counter()
        await pool.release(held.pop())
        return back

    back = asyncio.create_task(give_back())
    when = f"with all connections lent out and one given back after {seconds + 0.1:.1f} s"
    await _healthy(answer, pool, bench, when, timeout=3.0, waits=seconds)
    after = time.perf_counter() - await back
    look = "what happens to its connection"
    held.append(await bench.run("getting a connection back", pool.acquire, look=look))
    return after < seconds - 2 * CLOCKS_DIFFER


async def _recovers(answer: Any, pool: Any, bench: Bench) -> None:
    """The first calls after an outage may still meet a dead connection."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        with contextlib.suppress(NotYet):
            await _healthy(answer, pool, bench, "after the server came back")
            return
        await asyncio.sleep(0.1)
    await _healthy(answer, pool, bench, "after the server came back")
