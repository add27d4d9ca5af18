"""Exercise 1.2: a connection is lent with a limit and comes back whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench, NotYet

__all__ = ["check"]

IDLE = 2.5
"""Seconds to get a connection when one is free or can be made: enough when everything is slow."""
BACK = "that the connection is back in the pool after the block, whatever happened in it."


class Mistake(Exception):
    """What goes wrong in a borrower's block."""


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Borrow, fail, cancel, wait and kill, with a pool of two."""
    pool = await bench.run("BorrowingPool()", answer)
    bench.needs(pool, ("initialize", "acquire", "close"), "BorrowingPool()")
    await bench.run(
        "initialize(max_size=2, **where)", lambda: pool.initialize(max_size=2, **bench.where)
    )
    await _lends(pool, bench)
    await _two_at_once(pool, bench)
    await _exceptions(pool, bench)
    await _cancelled(pool, bench)
    waited = await _full(pool, bench)
    await _killed(pool, bench)
    await bench.run("close()", pool.close)
    await bench.no_sessions("close()", "what close does")
    return {"seconds until acquire(timeout=0.3) on a full pool gave up": round(waited, 2)}


async def _lends(pool: Any, bench: Bench) -> None:
    loan = await bench.run("acquire", lambda: [pool.acquire(timeout=1)])
    usable = hasattr(loan[0], "__aenter__")
    if asyncio.iscoroutine(loan[0]):
        loan[0].close()
    bench.expect(
        usable,
        f"acquire(timeout=1) gave a {type(loan[0]).__name__}, with which `async with` can do "
        "nothing.",
        "something that `async with pool.acquire(timeout=1) as conn` can enter.",
        "what acquire returns: a coroutine is no context manager",
    )

    async def work() -> list[int]:
        pids = []
        for _ in range(6):
            async with pool.acquire(timeout=IDLE) as conn:
                pids.append(await conn.fetchval("SELECT pg_backend_pid()"))
        return pids

    look = (
        "what acquire gives to `conn`, whether blocks give it back, what the timeout limits (the "
        "wait only), and its unit"
    )
    what = f"acquire(timeout={IDLE}), one block after the other,"
    pids = await bench.run(what, work, look=look)
    bench.expect(
        len(set(pids)) <= 2,
        f"6 blocks, one after the other, had {len(set(pids))} different connections.",
        "that a pool of 2 lends the same 2 again and again.",
        "what happens to a connection at the end of a block: is it released or closed",
    )

    for timeout in (0.3, 1.5):
        # A wait that ends before the block says nothing of the block: then once more.
        if await _long_block(pool, bench, timeout, again=timeout == 0.3):
            return


async def _long_block(pool: Any, bench: Bench, timeout: float, again: bool) -> bool:
    """Stay in a block for longer than the timeout; return whether the block was entered."""
    entered = asyncio.Event()

    async def stays() -> None:
        async with pool.acquire(timeout=timeout) as conn:
            entered.set()
            await asyncio.sleep(timeout + 0.2)
            await conn.fetchval("SELECT 1")

    try:
        await bench.run(
            f"a block of {timeout + 0.2:.1f} s after acquire(timeout={timeout})",
            stays,
            look="what the timeout limits (the wait for a connection, and not the work with it), "
            "and the timeout's unit",
        )
    except NotYet:
        if entered.is_set() or not again:
            raise
    return entered.is_set()


async def _two_at_once(pool: Any, bench: Bench) -> None:
    async def block() -> int:
        async with pool.acquire(timeout=IDLE) as conn:
            pid: int = await conn.fetchval("SELECT pg_backend_pid() FROM pg_sleep(0.1)")
            return pid

    pids = await bench.run(
        f"four blocks at once, each after acquire(timeout={IDLE}),",
        lambda: asyncio.gather(*(block() for _ in range(4))),
        look="whether each block has a connection of its own, and which unit the timeout has",
    )
    bench.expect(
        len(set(pids)) == 2,
        f"four blocks at once had {len(set(pids))} different connections, with max_size=2.",
        "2: as many as max_size, and never more.",
        "whether max_size reaches the pool",
    )


async def _exceptions(pool: Any, bench: Bench) -> None:
    async def fails() -> None:
        async with pool.acquire(timeout=IDLE):
            raise Mistake("made in the block")

    look = "what happens to the connection and to the exception when a block fails"
    for number in range(3):
        error = await bench.must_raise(
            "a block that raises Mistake",
            fails,
            (Mistake, TimeoutError),
            expected="that the caller sees the exception of the block.",
            look=look,
        )
        bench.expect(
            isinstance(error, Mistake),
            f"after {number} blocks that raised an exception, no connection was free any more: "
            "they were not released.",
            BACK,
            look,
        )
    await _both_are_free(pool, bench, "three blocks that raised an exception")


async def _cancelled(pool: Any, bench: Bench) -> None:
    async def sleeps(entered: asyncio.Event) -> None:
        async with pool.acquire(timeout=IDLE) as conn:
            entered.set()
            await conn.fetchval("SELECT pg_sleep(5)")

    look = "what happens when a block is cancelled"
    for _ in range(2):
        entered = asyncio.Event()
        task = asyncio.create_task(sleeps(entered))
        await bench.run("entering a block", entered.wait, look=look)
        await bench.must_be_cancelled("a block", task, look)
    await _both_are_free(pool, bench, "two blocks were cancelled")


async def _full(pool: Any, bench: Bench) -> float:
    async def one_more(timeout: float) -> float:
        started = time.monotonic()
        async with pool.acquire(timeout=timeout):
            return time.monotonic() - started

    look = "whether the timeout of acquire reaches the wait for a free connection"
    after = "blocks that failed or were cancelled"
    async with _holding(pool, bench, after) as release, bench.watching() as peak:
        asked = time.monotonic()
        await bench.must_raise(
            "acquire(timeout=0.3) on a pool whose two connections are lent out",
            lambda: one_more(0.3),
            TimeoutError,
            expected="TimeoutError after about 0.3 s.",
            look=look,
        )
        waited = time.monotonic() - asked
        bench.expect(
            waited > 0.15,
            f"acquire(timeout=0.3) gave up after {waited:.2f} s.",
            "that it waits 0.3 s for a connection to come back.",
            look,
        )
        waiting = asyncio.create_task(one_more(5))
        await asyncio.sleep(0.1)
        await bench.must_be_cancelled("acquire(timeout=5), waiting,", waiting, look)
        waiting = asyncio.create_task(one_more(5))
        await asyncio.sleep(0.1)
        release.set()
        look = "what becomes of a wait that ended in a timeout or a cancellation"
        await bench.run(
            "acquire(timeout=5) when a connection comes back", lambda: waiting, look=look
        )
    bench.expect(
        peak["sessions"] <= 2,
        f"{peak['sessions']} sessions were open with max_size=2.",
        "never more than max_size.",
        "whether max_size reaches the pool, and whether a failed block gives its connection back",
    )
    await _both_are_free(pool, bench, "others had waited in vain")
    return waited


async def _killed(pool: Any, bench: Bench) -> None:
    async def loses_its_connection() -> None:
        async with pool.acquire(timeout=IDLE) as conn:
            await bench.kill(await conn.fetchval("SELECT pg_backend_pid()"))
            # The session is gone before its socket is: only then can the answer know of it.
            await bench.until(lambda: _is_over(conn))

    await bench.run(
        "leaving a block whose connection the server has ended",
        loses_its_connection,
        look="what is done with a connection that is closed already",
    )
    await _both_are_free(pool, bench, "the server ended a connection that was lent out")


def _is_over(conn: Any) -> bool:
    """Whether the client knows that this connection has ended."""
    try:
        return bool(conn.is_closed())
    except asyncpg.InterfaceError:
        return True  # The pool knew it first, and has taken it back.


async def _both_are_free(pool: Any, bench: Bench, after: str) -> None:
    async with _holding(pool, bench, after):
        pass


@contextlib.asynccontextmanager
async def _holding(pool: Any, bench: Bench, after: str) -> AsyncIterator[asyncio.Event]:
    """Hold both connections until the event is set or the block ends."""
    release = asyncio.Event()
    held = asyncio.Semaphore(0)

    async def hold() -> None:
        async with pool.acquire(timeout=IDLE) as conn:
            await conn.fetchval("SELECT 1")
            held.release()
            await release.wait()

    what = f"borrowing two connections at the same time, after {after},"
    bench.stage(what)
    tasks = [asyncio.create_task(hold()) for _ in range(2)]
    try:
        try:
            async with asyncio.timeout(IDLE + 1):
                for _ in tasks:
                    await _first(held.acquire(), tasks)
        except TimeoutError as late_error:
            raise NotYet(
                f"after {after}, two connections could not be had at the same time: "
                "one or both were not released.",
                BACK,
                "every way out of the block: the end, an exception, a cancellation",
            ) from late_error
        yield release
    finally:
        release.set()
        done, late = await asyncio.wait(tasks, timeout=2)
        for task in late:
            task.cancel()
        for task in done:
            error = None if task.cancelled() else task.exception()
            if error is not None and not isinstance(error, TimeoutError):
                look = "which connections acquire lends, and in which state they are"
                raise bench.failed(what, error, look)


async def _first(wanted: Any, tasks: list[asyncio.Task[None]]) -> None:
    """Await `wanted`, but not when a task that should bring it has failed."""
    waiter = asyncio.ensure_future(wanted)
    await asyncio.wait({waiter, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    if not waiter.done():
        waiter.cancel()
        raise TimeoutError
