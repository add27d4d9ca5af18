"""Exercise 2.1: a pool as the environment says, and an error that names what is wrong there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from typing import Any

import asyncpg

from labsupport.exercises.bench import LOOK_EVERY, Bench, NotYet

__all__ = ["check"]

USER = "report@team"
PASSWORD = "p@ss:w/rd #1?%41&x='y' "  # made up here, for a server that lives for seconds
DECOYS = {
    "DB_HOST": "decoy.invalid",
    "DB_PORT": "1",
    "DB_NAME": "decoy",
    "DB_USER": "decoy",
    "DB_PASSWORD": "decoy",
    "DB_POOL_MIN_SIZE": "7",
    "DB_POOL_MAX_SIZE": "9",
    "DB_COMMAND_TIMEOUT": "11",
}
DEFAULTS = "the defaults for missing and empty variables"
SIZES = (
    "when the variables are read (at each call), the defaults for missing and empty ones, and how "
    "the two sizes are compared: equal ones fit"
)
LIMIT = (
    "what becomes of DB_COMMAND_TIMEOUT: in which unit it is used, what becomes of its fraction, "
    "and whether the limit lasts when a connection is released and lent again"
)
LOCK = 2_010
"""The advisory lock for which a statement waits that takes too long."""
WAITING = """
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND objid = $1 AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
NOBODY = {"DB_PORT": "1"}
"""A port at which no server listens: who connects before looking at the rest does not get far."""
WRONG = (
    ({"DB_PORT": "abc"}, ("DB_PORT",)),
    ({"DB_POOL_MIN_SIZE": "few"}, ("DB_POOL_MIN_SIZE",)),
    ({"DB_POOL_MAX_SIZE": "many"}, ("DB_POOL_MAX_SIZE",)),
    ({"DB_COMMAND_TIMEOUT": "soon"}, ("DB_COMMAND_TIMEOUT",)),
    (
        {"DB_POOL_MIN_SIZE": "6", "DB_POOL_MAX_SIZE": "3"},
        ("DB_POOL_MIN_SIZE", "DB_POOL_MAX_SIZE"),
    ),
    ({"DB_POOL_MAX_SIZE": "1"}, ("DB_POOL_MIN_SIZE", "DB_POOL_MAX_SIZE")),
)


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Open pools from several environments, and from some that are wrong."""
    os.environ.update(DECOYS)
    await bench.make_login(USER, PASSWORD)
    base = {
        "DB_HOST": bench.where["host"],
        "DB_PORT": str(bench.where["port"]),
        "DB_NAME": bench.where["database"],
        "DB_USER": USER,
        "DB_PASSWORD": PASSWORD,
    }
    sizes = {"DB_POOL_MIN_SIZE": "1", "DB_POOL_MAX_SIZE": "3", "DB_COMMAND_TIMEOUT": "9.5"}
    most = await _as_told(answer, bench, {**base, **sizes})
    await _sizes(answer, bench, {**base, "DB_POOL_MIN_SIZE": "4", "DB_POOL_MAX_SIZE": "4"}, 4, 4)
    # A pool of its own for the short limit, which may cut off any query on a slow machine.
    one = {"DB_POOL_MIN_SIZE": "1", "DB_POOL_MAX_SIZE": "1", "DB_COMMAND_TIMEOUT": "0.4"}
    await _times_out(answer, bench, {**base, **one})
    empty = {"DB_POOL_MIN_SIZE": "", "DB_POOL_MAX_SIZE": "", "DB_COMMAND_TIMEOUT": ""}
    await _sizes(answer, bench, {**base, **empty}, 2, 5)
    await _sizes(answer, bench, base, 2, 5)
    for missing in (True, False):
        await _default_names(answer, bench, {**base, "DB_POOL_MIN_SIZE": "1"}, missing)
    for wrong, names in WRONG:
        await _refused(answer, bench, {**base, **NOBODY, **wrong}, wrong, names)
    await bench.no_sessions("all pools were closed", "whether more than one pool is opened")
    return {"most sessions with DB_POOL_MAX_SIZE=3": most}


async def _open(
    answer: Any, bench: Bench, environ: dict[str, str], what: str, look: str = DEFAULTS
) -> Any:
    pool = await bench.run(f"open_pool with {what}", lambda: answer(environ), limit=4, look=look)
    bench.needs(pool, ("acquire", "fetchval", "close"), "what open_pool returned")
    return pool


async def _database(pool: Any, bench: Bench) -> Any:
    return await bench.run(
        "SELECT current_database()",
        lambda: pool.fetchval("SELECT current_database()"),
        look="whether the pool was open when it was returned (making it has to be awaited), and "
        "what becomes of DB_COMMAND_TIMEOUT",
    )


async def _default_names(answer: Any, bench: Bench, environ: dict[str, str], missing: bool) -> None:
    """Host and database by default; then the role, of which the check has no password."""
    how = "missing" if missing else "empty"

    def without(*names: str) -> dict[str, str]:
        kept = {name: text for name, text in environ.items() if name not in names}
        return kept if missing else {**kept, **dict.fromkeys(names, "")}

    # Only once without the host: where localhost has two addresses, the wrong one may take time.
    names = ("DB_HOST", "DB_NAME") if missing else ("DB_NAME",)
    what = f"{' and '.join(names)} {how}"
    pool = await _open(answer, bench, without(*names), what)
    name = await _database(pool, bench)
    bench.expect(
        name == "postgres",
        f"with {what}, the pool works in database {name!r}.",
        "'postgres', the default of DB_NAME.",
        DEFAULTS,
    )
    await bench.run("close()", pool.close)
    expected = "an attempt to log in as 'postgres', the default, whose password is another."
    error = await bench.must_raise(
        f"open_pool with DB_USER {how}",
        lambda: answer(without("DB_USER")),
        asyncpg.InvalidPasswordError,
        expected=expected,
        look=DEFAULTS,
    )
    bench.expect(
        '"postgres"' in str(error),
        f"with DB_USER {how}, the server said: {error}.",
        expected,
        DEFAULTS,
    )


async def _as_told(answer: Any, bench: Bench, environ: dict[str, str]) -> int:
    what = "sizes 1 and 3, a timeout of 9.5 and a password with special signs"
    look = (
        "whether the argument is read or os.environ, which the task does not mean, what the "
        "values are turned into, and how a password with special signs gets to the server"
    )
    pool = await _open(answer, bench, environ, what, look)
    name, wanted = await _database(pool, bench), environ["DB_NAME"]
    bench.expect(name == wanted, f"the pool works in database {name!r}.", f"{wanted!r}.", "DB_NAME")
    user = await bench.run("SELECT current_user", lambda: pool.fetchval("SELECT current_user"))
    bench.expect(user == USER, f"the pool works as {user!r}.", f"the role {USER!r}.", "DB_USER")
    opened = await bench.session_count(1)
    async with bench.watching() as peak:
        query = "SELECT pg_backend_pid() FROM pg_sleep(0.15)"
        pids = await bench.run(
            "five queries at once",
            lambda: asyncio.gather(*(pool.fetchval(query) for _ in range(5))),
            look="what becomes of DB_COMMAND_TIMEOUT, 9.5 s here, and of the sizes",
        )
    # The sessions are looked at now and then, and who answered is known from each query.
    most = max(peak["sessions"], len(set(pids)))
    bench.expect(
        opened == 1 and most == 3,
        f"with DB_POOL_MIN_SIZE=1 and DB_POOL_MAX_SIZE=3, {opened} sessions were open at first "
        f"and {most} with five queries at once.",
        "1 and 3.",
        "where the sizes come from; os.environ is not meant, but the argument",
    )
    await bench.run("close()", pool.close)
    return most


async def _times_out(answer: Any, bench: Bench, environ: dict[str, str]) -> None:
    """Let a statement wait for a lock for more than 0.6 s, on a connection that was lent before."""
    pool = await _open(answer, bench, environ, "a timeout of 0.4", "DB_COMMAND_TIMEOUT")
    await _lent_before(pool, bench)
    what = "a statement of 0.6 s with DB_COMMAND_TIMEOUT=0.4"
    expected = "TimeoutError or QueryCanceledError after about 0.4 s."
    holder = await asyncpg.connect(**bench.where)
    await holder.execute("SELECT pg_advisory_lock($1)", LOCK)
    unlock = asyncio.ensure_future(_unlock(holder))
    try:
        asked = time.monotonic()
        await bench.must_raise(
            what,
            lambda: pool.fetchval("SELECT pg_advisory_xact_lock($1)", LOCK),
            (TimeoutError, asyncpg.QueryCanceledError),
            expected=expected,
            look=LIMIT,
        )
        took = time.monotonic() - asked
    finally:
        unlock.cancel()
        holder.terminate()
    bench.expect(took > 0.2, f"{what} was ended after {took:.2f} s.", expected, LIMIT)
    await bench.run("close()", pool.close)


async def _lent_before(pool: Any, bench: Bench) -> None:
    """Lend the pool's connection once, so that what lasts only until its release is gone."""
    for _ in range(5):
        # Where the limit cuts this off, the pool opens another connection. Whatever else is wrong
        # shows with the next statement.
        with contextlib.suppress(NotYet):
            await bench.run("SELECT 1", lambda: pool.fetchval("SELECT 1"))
            return


async def _unlock(holder: Any) -> None:
    """Give the lock back 0.6 s after somebody has begun to wait for it.

    A limit of 0.4 s has begun before, at the server or in this event loop. So it is over before
    the lock is given back, however slow the machine is.
    """
    while not await holder.fetchval(WAITING, LOCK):
        await asyncio.sleep(LOOK_EVERY)
    await asyncio.sleep(0.6)
    await holder.execute("SELECT pg_advisory_unlock($1)", LOCK)


async def _sizes(answer: Any, bench: Bench, environ: dict[str, str], low: int, high: int) -> None:
    shown = {name: text for name, text in environ.items() if "SIZE" in name} or "no sizes"
    pool = await _open(answer, bench, environ, str(shown), SIZES)
    opened = await bench.session_count(low)
    got = pool.get_max_size() if hasattr(pool, "get_max_size") else high
    bench.expect(
        opened == low and got == high,
        f"with {shown}, {opened} sessions were open and the largest size was {got}.",
        f"{low} and {high}.",
        SIZES,
    )
    await bench.run("close()", pool.close)


async def _refused(
    answer: Any,
    bench: Bench,
    environ: dict[str, str],
    wrong: dict[str, str],
    names: tuple[str, ...],
) -> None:
    expected = "ValueError with a text that names the variable, before anything is opened."
    look = "how wrong values are noticed, and what the text says"
    error = await bench.must_raise(
        f"open_pool with {wrong}",
        lambda: answer(environ),
        ValueError,
        expected=expected,
        look=look,
    )
    said = str(error).lower()
    # A settings class may speak of its field, pool_max_size, instead of DB_POOL_MAX_SIZE.
    told = any(name.lower().removeprefix("db_") in said for name in names)
    bench.expect(told, f"with {wrong}, the text was {str(error)[:200]!r}.", expected, look)
