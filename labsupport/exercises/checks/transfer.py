"""Exercise 04.a: both halves of a transfer or none, whatever comes in between."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench
from labsupport.exercises.checks._locks import waiting_at_once
from labsupport.exercises.checks._pools import database_pool
from labsupport.pooling import PooledDatabase

__all__ = ["check"]

TABLE = """
    CREATE TABLE accounts (owner text PRIMARY KEY, balance int NOT NULL CHECK (balance >= 0));
    INSERT INTO accounts VALUES ('anna', 100), ('ben', 0);
"""
BALANCES = "SELECT array_agg(balance ORDER BY owner) FROM accounts"
TOGETHER = "part 2: which statements stand in the transaction, and in whose"
VICTIM = """
    INSERT INTO accounts VALUES ('carl', 10), ('dora', 0);
    CREATE SEQUENCE changes_of_dora;
    CREATE FUNCTION once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('changes_of_dora') = 1 THEN
            RAISE 'deadlock detected' USING ERRCODE = 'deadlock_detected';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER once BEFORE UPDATE ON accounts FOR EACH ROW
        WHEN (NEW.owner = 'dora') EXECUTE FUNCTION once();
"""
"""A real deadlock is found after a second, and this one, of which the first change of Dora's
account is the victim, at once. A sequence counts on when its transaction is taken back."""
AT_ONCE = 4


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Transfer, ask for the impossible, cancel in the middle, and transfer at the same time."""
    onlooker = await asyncpg.connect(**bench.where)
    try:
        await onlooker.execute(TABLE)
        async with database_pool(bench, AT_ONCE) as pool:
            db = PooledDatabase(pool)
            what = "transfer(db, 'anna', 'ben', 30)"
            await bench.run(what, lambda: answer(db, "anna", "ben", 30), look=TOGETHER)
            await _balances(onlooker, bench, what, [70, 30], "the SQL")
            too_much = ("ben", "anna", 500), asyncpg.CheckViolationError
            await _refused(answer, db, onlooker, bench, *too_much)
            await _refused(answer, db, onlooker, bench, ("anna", "nobody", 10), LookupError)
            await _refused(answer, db, onlooker, bench, ("nobody", "ben", 10), LookupError)
            await _cancelled(answer, db, onlooker, bench)
            await _at_once(answer, db, onlooker, bench)
            await _ended_as_a_victim(answer, db, onlooker, bench)
            await bench.all_returned(pool.pool, "all transfers", "part 1: who gives it back")
    finally:
        onlooker.terminate()
    return {"anna and ben had 100 together, and have": 100}


async def _balances(onlooker: Any, bench: Bench, after: str, wanted: list[int], look: str) -> None:
    found = await onlooker.fetchval(BALANCES)
    bench.expect(
        found == wanted,
        f"after {after}, anna had {found[0]} and ben {found[1]}.",
        f"anna {wanted[0]} and ben {wanted[1]}.",
        look,
    )


async def _refused(
    answer: Any,
    db: PooledDatabase,
    onlooker: Any,
    bench: Bench,
    arguments: tuple[str, str, int],
    kind: type[BaseException],
) -> None:
    what = f"transfer(db, {', '.join(repr(argument) for argument in arguments)})"
    before = await onlooker.fetchval(BALANCES)
    error = await bench.run(what, lambda: _error_of(answer(db, *arguments)))
    look = "which exceptions are caught, and how many rows each statement has changed"
    expected = f"that the caller sees {kind.__name__}."
    bench.expect(error is not None, f"{what} raised nothing.", expected, look)
    await _balances(onlooker, bench, f"{what}, which cannot be done", before, TOGETHER)
    bench.expect(isinstance(error, kind), f"{what} raised {type(error).__name__}.", expected, look)


async def _error_of(call: Any) -> Exception | None:
    """What a call raises. That it does not end is for the bench to tell."""
    try:
        await call
    except Exception as error:
        return error
    return None


async def _cancelled(answer: Any, db: PooledDatabase, onlooker: Any, bench: Bench) -> None:
    """Let it wait for each of the two rows in turn, and cancel it there."""
    for owner in ("ben", "anna"):
        async with onlooker.transaction():
            await onlooker.execute("SELECT 1 FROM accounts WHERE owner = $1 FOR UPDATE", owner)
            task = asyncio.ensure_future(answer(db, "anna", "ben", 5))
            await waiting_at_once(bench, 1, task.done)
            await bench.must_be_cancelled(
                "transfer, in the middle,", task, "which exceptions are caught"
            )
        after = "a transfer that was cancelled in the middle"
        await _balances(onlooker, bench, after, [70, 30], TOGETHER)


async def _at_once(answer: Any, db: PooledDatabase, onlooker: Any, bench: Bench) -> None:
    """Hold the first row until all of them have come that far."""
    what = f"{AT_ONCE} transfers of 5 at once, from anna to ben"
    async with onlooker.transaction():
        await onlooker.execute("SELECT 1 FROM accounts FOR UPDATE")
        tasks = [asyncio.ensure_future(answer(db, "anna", "ben", 5)) for _ in range(AT_ONCE)]
        await waiting_at_once(bench, AT_ONCE, lambda: all(task.done() for task in tasks), 3)
    await bench.run(
        what,
        lambda: asyncio.gather(*tasks),
        look="whether a transfer can lose against another one: it has to be tried again then, or "
        "to wait for the other, as it does when the server calculates the new balance",
    )
    look = "where the new balance is calculated, and what may happen to the old one meanwhile"
    await _balances(onlooker, bench, what, [70 - 5 * AT_ONCE, 30 + 5 * AT_ONCE], look)


async def _ended_as_a_victim(answer: Any, db: PooledDatabase, onlooker: Any, bench: Bench) -> None:
    """Let the server end it as it ends one side of a deadlock; a second try is answered."""
    await onlooker.execute(VICTIM)
    what = "transfer(db, 'carl', 'dora', 10)"
    raised = await bench.run(what, lambda: _error_of(answer(db, "carl", "dora", 10)))
    found = await onlooker.fetchval(
        "SELECT array_agg(balance ORDER BY owner) FROM accounts WHERE owner IN ('carl', 'dora')"
    )
    bench.expect(
        found == ([10, 0] if raised else [0, 10]),
        f"{what}, which the server ended with DeadlockDetectedError, "
        f"{'raised' if raised else 'returned'}, and carl had {found[0]} and dora {found[1]}.",
        "that it raises and no balance has changed, or that it is tried again and both have.",
        "which exceptions are caught: a transfer that was ended is lost when nobody hears of it",
    )
