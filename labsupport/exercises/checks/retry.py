"""Exercise 3.2: trying again what may succeed, and only that, with patience and a limit."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench

__all__ = ["check"]

STARTING = "the database system is starting up"
LOOK = "which exceptions tell of a lost connection or a server that is not there"
GIVES_UP = f"when it gives up, and {LOOK}"
LOCK = 3_020
"""The advisory lock that a query waits for until its session is ended or it is called off."""
WAITING = "SELECT pg_advisory_xact_lock($1), 5 AS n"
FAILING = "SELECT 1 / 0 AS n"
STEPS = 50
"""Turns of the event loop in which an answer reaches its pause, or its next attempt after it."""


class Attempts:
    """Connects, and notes when that was tried, when it failed, and what was done afterwards."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.failed = asyncio.Event()
        self.loans = 0
        self.statements: list[str] = []

    async def connect(self, *args: Any, **options: Any) -> Any:
        """The pool's way to open a connection."""
        self.at.append(time.monotonic())
        try:
            conn = await asyncpg.connect(*args, **options)
        except Exception:
            self.failed.set()
            raise
        conn.add_query_logger(self._sent)
        return conn

    async def lent(self, _: Any) -> None:
        """Count a connection that the pool lends; the pool's `setup`."""
        self.loans += 1

    def _sent(self, record: Any) -> None:
        self.statements.append(record.query)

    async def runs_of(self, query: str) -> int:
        """How often a statement that contains this one was sent."""
        await _turns(STEPS)  # asyncpg tells of a statement in a later turn.
        return sum(query in sent for sent in self.statements)

    async def one_fails(self, task: asyncio.Task[Any]) -> None:
        """Wait until the next attempt has failed, and the task has begun its pause or has ended."""
        self.failed.clear()
        failed = asyncio.ensure_future(self.failed.wait())
        await asyncio.wait({failed, task}, timeout=2, return_when=asyncio.FIRST_COMPLETED)
        failed.cancel()
        await _turns(STEPS)


async def _turns(number: int) -> None:
    """Let the event loop turn so often, however fast the machine is."""
    for _ in range(number):
        await asyncio.sleep(0)


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Queries that fail for good, sessions that are ended, a server that is stopped."""
    attempts = Attempts()
    options = {"min_size": 0, "init_size": 0, "connect": attempts.connect, "setup": attempts.lent}
    async with bench.pool(2, **options) as pool:
        await _rows(answer, pool, bench)
        await _for_good(answer, pool, bench, attempts)
        await bench.all_returned(pool, "queries that failed", "what an error leaves behind")
        await _starting(answer, bench)
        bench.no_blocking_sleep("the pause before the second attempt")
        await _in_the_middle(answer, pool, bench, attempts)
        await bench.stop_server()
        await _stays_away(answer, pool, bench)
        await _called_off(answer, pool, bench, attempts)
        attempts.at.clear()
        seconds = await _restarted(answer, pool, bench, attempts)
        bench.expect(
            len(attempts.at) < 60 * seconds,
            f"{len(attempts.at)} connections were attempted in {seconds:.1f} s.",
            "a pause before each further attempt.",
            "what happens between two attempts",
        )
        await bench.all_returned(pool, "all calls", "what an error leaves behind")
    bench.no_blocking_sleep("the attempts")
    return {"attempts to connect while the server was away": len(attempts.at)}


async def _rows(answer: Any, pool: Any, bench: Bench) -> None:
    look = "what becomes of the arguments after the query, and what is returned"
    rows = await bench.run(
        "fetch_with_retry(pool, 'SELECT $1::int AS n', 7)",
        lambda: answer(pool, "SELECT $1::int AS n", 7),
        look=look,
    )
    bench.expect(
        isinstance(rows, list) and len(rows) == 1 and rows[0]["n"] == 7,
        f"fetch_with_retry(pool, 'SELECT $1::int AS n', 7) returned {rows!r}.",
        "the list of rows that asyncpg's fetch gives.",
        look,
    )


async def _for_good(answer: Any, pool: Any, bench: Bench, attempts: Attempts) -> None:
    look = "which errors another attempt can mend"
    before = attempts.loans
    await bench.must_raise(
        "a query that divides by zero",
        lambda: answer(pool, FAILING),
        asyncpg.DivisionByZeroError,
        expected="DivisionByZeroError, at once.",
        look=look,
    )
    # asyncpg does not tell of statements that were prepared before; then the loans are counted.
    tries = await attempts.runs_of(FAILING) or attempts.loans - before
    bench.expect(
        tries == 1,
        f"a query that divides by zero was tried {tries} times.",
        "once: it would fail each time.",
        look,
    )
    before = attempts.loans
    what, expected = "a query with one argument too many", "asyncpg.InterfaceError, at once"
    await bench.must_raise(
        what,
        lambda: answer(pool, "SELECT $1::int", 1, 2, patience=4),
        asyncpg.InterfaceError,
        expected=f"{expected}: no attempt mends it.",
        look=look,
        limit=2.5,
    )
    bench.expect(
        attempts.loans == before + 1,
        f"for {what}, {attempts.loans - before} connections were borrowed.",
        f"one, and {expected}: no further attempt mends it.",
        look,
    )


async def _starting(answer: Any, bench: Bench) -> None:
    """A server that is starting refuses a connection with SQLSTATE 57P03."""
    at: list[float] = []
    too_late: list[bool] = []

    async def connect(*args: Any, **options: Any) -> Any:
        at.append(time.monotonic())
        too_late.append(clock is not None and clock.done())
        if len(at) == 1:
            start_clock()
            raise asyncpg.CannotConnectNowError(STARTING)
        return await asyncpg.connect(*args, **options)

    clock: asyncio.Task[None] | None = None

    def start_clock() -> None:
        nonlocal clock
        clock = asyncio.ensure_future(_longest_pause())

    async with bench.pool(1, min_size=0, init_size=0, connect=connect) as pool:
        rows = await bench.run(
            "a query while the server is starting", lambda: answer(pool, "SELECT 1"), look=LOOK
        )
    bench.expect(
        isinstance(rows, list) and len(rows) == 1 and len(at) > 1,
        f"a query while the server is starting gave {rows!r} after {len(at)} attempts.",
        "its rows, as soon as the server has started.",
        LOOK,
    )
    pause = at[1] - at[0]
    bench.expect(
        pause > 0.04 and not too_late[1],
        f"the first pause took {pause:.2f} s.",
        "a pause of 0.05 to 0.5 s after the first attempt.",
        "what happens between two attempts",
    )


async def _longest_pause() -> None:
    """End when a pause that began at the same time has to be over.

    Both sleep in the same event loop, so that a machine that stands still holds up both.
    """
    await _turns(STEPS)
    await asyncio.sleep(0.8)
    await _turns(STEPS)


async def _in_the_middle(answer: Any, pool: Any, bench: Bench, attempts: Attempts) -> None:
    """End a session in the middle of its query, twice, and call a query off in the middle."""
    holder = await asyncpg.connect(**bench.where)
    try:
        for turn in (1, 2):
            await _session_ended(answer, pool, bench, holder, turn)
        await _query_called_off(answer, pool, bench, holder, attempts)
    finally:
        holder.terminate()


async def _sent(
    answer: Any, pool: Any, bench: Bench, holder: Any
) -> tuple[asyncio.Task[Any], list[int]]:
    """Send a query that waits for a lock, so that it cannot be over before something is done.

    Returns the answer's task and the process ids of the sessions that wait, none if it has ended.
    """
    await holder.execute("SELECT pg_advisory_lock($1)", LOCK)
    task = asyncio.ensure_future(answer(pool, WAITING, LOCK))
    at_work = await _at_work(bench, task)
    bench.expect(
        bool(at_work) or task.done(),
        "a query had not reached the server after some seconds.",
        "that it is sent at once.",
        "what comes before the first attempt",
    )
    return task, at_work


async def _query_called_off(
    answer: Any, pool: Any, bench: Bench, holder: Any, attempts: Attempts
) -> None:
    """Cancel while the server works on the query; the lock holds up every further attempt."""
    what = "fetch_with_retry, in the middle of a query,"
    look = "which exceptions are tried again; a cancellation is none of them"
    task, _ = await _sent(answer, pool, bench, holder)
    if task.done():
        await bench.run("a query that takes long", lambda: task, look=LOOK)
    before = attempts.loans
    await bench.must_be_cancelled(what, task, look)
    again = attempts.loans - before
    bench.expect(
        again == 0,
        f"{what} was cancelled, and it borrowed {again} more connections.",
        "no further attempt: nobody waits for the rows any more.",
        look,
    )


async def _session_ended(answer: Any, pool: Any, bench: Bench, holder: Any, turn: int) -> None:
    what = f"a query whose session was ended (number {turn})"
    task, at_work = await _sent(answer, pool, bench, holder)
    if at_work:
        await bench.kill(*at_work)
    await holder.execute("SELECT pg_advisory_unlock($1)", LOCK)
    rows = await bench.run(what, lambda: task, look=LOOK)
    bench.expect(
        isinstance(rows, list) and rows[0]["n"] == 5,
        f"{what} gave {rows!r}.",
        "its rows, from another connection.",
        LOOK,
    )


async def _at_work(bench: Bench, task: asyncio.Task[Any]) -> list[int]:
    """Wait for a session that waits for the lock; return its process id, or nothing after 3 s."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and not task.done():
        waiting = [one.pid for one in await bench.sessions() if one.wait_event == "advisory"]
        if waiting:
            return waiting
        await asyncio.sleep(0.02)
    return []


async def _stays_away(answer: Any, pool: Any, bench: Bench) -> None:
    asked = time.monotonic()
    error = await bench.must_raise(
        "a query with patience=0.8 while the server is away",
        lambda: answer(pool, "SELECT 1", patience=0.8),
        (OSError, asyncpg.PostgresError, asyncpg.InterfaceError),
        expected="the last error, after 0.8 s.",
        look="how it ends when every attempt fails",
    )
    waited = time.monotonic() - asked
    bench.expect(
        not isinstance(error, TimeoutError),
        "while the server was away, it ended with TimeoutError.",
        "the last error itself, which says what was wrong, such as ConnectionRefusedError.",
        "how it ends when every attempt fails",
    )
    bench.expect(
        # Who doubles a first pause of 0.3 s, and sees that the next one would end too late, gives
        # up after that one.
        waited > 0.25,
        f"while the server was away, it gave up after {waited:.2f} s with patience=0.8.",
        "that it goes on trying for 0.8 s.",
        GIVES_UP,
    )


async def _called_off(answer: Any, pool: Any, bench: Bench, attempts: Attempts) -> None:
    task = asyncio.ensure_future(answer(pool, "SELECT 1", patience=5))
    await attempts.one_fails(task)
    if task.done():
        await bench.run("a query while the server is away", lambda: task, look=GIVES_UP)
    await bench.must_be_cancelled("fetch_with_retry", task, "which exceptions are tried again")


async def _restarted(answer: Any, pool: Any, bench: Bench, attempts: Attempts) -> float:
    asked = time.monotonic()
    task = asyncio.ensure_future(answer(pool, "SELECT 6 AS n", patience=20))
    await attempts.one_fails(task)
    await bench.start_server()
    away = time.monotonic() - asked
    # Who doubles each pause may be in a long one now.
    what = "a query while the server restarts"
    rows = await bench.run(what, lambda: task, look=GIVES_UP, limit=max(3.0, 1.5 * away))
    bench.expect(
        isinstance(rows, list) and rows[0]["n"] == 6,
        f"{what} gave {rows!r}.",
        "its rows, as soon as the server is back.",
        LOOK,
    )
    return away
