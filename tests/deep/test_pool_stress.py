"""A pool under load and faults: no connection is lost, and no committed write is lost or doubled.

Clients read, write and cancel at random while sessions are ended on the server and connections
are cut on the client's side, in the middle of a statement too. Each write has an id. What a client
knows of it afterwards (committed, not done, unknown) has to agree with the table.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from labsupport.pooling import (
    AdvancedPoolManager,
    DatabaseSettings,
    LeakWatch,
    MaxLifetime,
    PooledDatabase,
    PoolObserver,
    PoolTimeout,
    ReplyLost,
    is_transient,
)
from labsupport.postgres import Server, ensure_embedded, ensure_kernel_database
from tests.homes import temporary_home

SECONDS = 15
"""How long the load lasts at least; on a busy machine, until it has done enough."""
LIMIT = 120
CLIENTS, CONNECTIONS = 40, 6
NAME = "pool_stress"
TABLES = """
    CREATE TABLE written (id bigint);
    CREATE TABLE written_once (id bigint PRIMARY KEY);
"""
INSERT = "INSERT INTO written (id) SELECT $1::bigint FROM pg_sleep(0.002)"
INSERT_ONCE = """
    INSERT INTO written_once (id) SELECT $1::bigint FROM pg_sleep(0.002) ON CONFLICT DO NOTHING
"""
KILL = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1
    ORDER BY state = 'active' DESC, random() LIMIT 1
"""
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"
COUNTS = """
    SELECT id, count(*) FROM (TABLE written UNION ALL TABLE written_once) AS rows GROUP BY id
"""


@pytest.fixture(scope="module", params=["16", "18"], ids=lambda major: f"PostgreSQL {major}")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """An embedded server of each major version, in a home of its own, and a database on it."""
    with temporary_home():
        made = ensure_embedded(settings={"LAB_PG_VERSION": request.param})
        yield replace(made, database=asyncio.run(ensure_kernel_database(made)))


KINDS = ("read", "write", "write_once", "transaction", "change_of_mind")
"""The methods of `Load` that are requests."""


class Ledger:
    """What the clients know of their writes, by id: committed, not done, or unknown."""

    def __init__(self) -> None:
        self.known: dict[int, str] = {}
        self._ids = itertools.count(1)

    def new(self) -> int:
        """Return the id of a write that is sent now: from here on its fate is unknown."""
        number = next(self._ids)
        self.known[number] = "unknown"
        return number

    async def write(self, number: int, statement: Awaitable[Any]) -> None:
        """Await the statement that writes `number` and note what is known then."""
        try:
            await statement
        except PoolTimeout:
            self.known[number] = "not done"  # No connection, so nothing was sent.
            raise
        self.known[number] = "committed"

    def contradictions(self, stored: dict[int, int]) -> list[str]:
        """Where the table says something else; `stored` counts the rows of each id."""
        allowed = {"committed": (1,), "not done": (0,), "unknown": (0, 1)}
        return [
            f"write {number} is {known} and stored {stored.get(number, 0)} times"
            for number, known in self.known.items()
            if stored.get(number, 0) not in allowed[known]
        ]


class Scissors(PoolObserver):
    """Cuts a connection that is lent out, on the client's side: the server goes on working."""

    def __init__(self) -> None:
        self.lent: set[Any] = set()

    def on_acquire(self, conn: Any) -> None:
        self.lent.add(conn)

    def on_release(self, conn: Any) -> None:
        self.lent.discard(conn)

    def cut(self, dice: random.Random) -> int:
        """Cut one of them; return how many were cut."""
        if not self.lent:
            return 0
        try:
            dice.choice([*self.lent]).terminate()
        except asyncpg.InterfaceError:  # The server has ended it before.
            return 0
        return 1


class Load:
    """The clients' requests, each chosen by the dice."""

    def __init__(self, manager: AdvancedPoolManager, dice: random.Random) -> None:
        self.manager, self.dice = manager, dice
        self.database = PooledDatabase(manager.pool)
        self.ledger = Ledger()
        self.outcomes: Counter[str] = Counter()
        self.unexpected: list[BaseException] = []

    async def client(self) -> None:
        """Make one request after the other until cancelled; some are cancelled on their way."""
        while True:
            kind = getattr(self, self.dice.choice(KINDS))
            request = asyncio.create_task(self.noted(kind))
            if self.dice.random() < 0.1:
                moment = self.dice.random() * 0.03
                asyncio.get_running_loop().call_later(moment, request.cancel)
            await asyncio.wait([request])

    async def noted(self, kind: Callable[[], Awaitable[None]]) -> None:
        """Make a request and note how it ended."""
        try:
            await kind()
            self.outcomes[f"{kind.__name__} done"] += 1
        except asyncio.CancelledError:
            self.outcomes["cancelled"] += 1
        except ReplyLost:
            self.outcomes["reply lost"] += 1
        except TimeoutError:
            self.outcomes["timed out"] += 1
        except Exception as error:
            self.outcomes["broken"] += 1
            if not is_transient(error):
                self.unexpected.append(error)

    def missing(self, killed: int, cut: int) -> list[str]:
        """What has not happened often enough yet to prove anything."""
        known, seen = Counter(self.ledger.known.values()), self.outcomes
        often = {
            "killed": (killed, 20),
            "cut": (cut, 20),
            "timed out for a connection": (self.manager.pool.timeouts, 20),
            "retried": (self.manager.retry_counter, 20),
            "reply lost": (seen["reply lost"], 1),
            **{name: (seen[name], 20) for name in ("cancelled", "broken")},
            **{f"{name} done": (seen[f"{name} done"], 100) for name in KINDS},
            **{fate: (known[fate], 100) for fate in ("committed", "not done", "unknown")},
        }
        return [f"{name}: {n} of {least}" for name, (n, least) in often.items() if n < least]

    def patience(self) -> float:
        """Seconds: some have hardly any, most have enough."""
        return self.dice.choice([0.002, 0.02, 10, 10, 10])

    async def read(self) -> None:
        async with self.manager.pool.acquire(timeout=self.patience()) as conn:
            assert await conn.fetchval("SELECT $1::int", 7) == 7

    async def write(self) -> None:
        number = self.ledger.new()
        with_retry = self.manager.execute_with_retry
        await self.ledger.write(
            number, with_retry(INSERT, number, timeout=self.patience(), backoff=0.01)
        )

    async def write_once(self) -> None:
        number = self.ledger.new()
        await self.manager.execute_with_retry(
            INSERT_ONCE, number, timeout=self.patience(), backoff=0.01, idempotent=True
        )
        self.ledger.known[number] = "committed"

    async def transaction(self) -> None:
        first, second = self.ledger.new(), self.ledger.new()
        both = self.database.execute_transaction([(INSERT, [first]), (INSERT, [second])])
        await self.ledger.write(first, both)
        self.ledger.known[second] = "committed"

    async def change_of_mind(self) -> None:
        """Keep one write and take back another in the same transaction."""
        kept, taken_back = self.ledger.new(), self.ledger.new()
        self.ledger.known[taken_back] = "not done"
        await self.ledger.write(kept, self.keep_one(kept, taken_back))

    async def keep_one(self, kept: int, taken_back: int) -> None:
        async with self.database.connection() as conn, conn.transaction():
            await conn.execute(INSERT, kept)
            inner = conn.transaction()
            await inner.start()
            await conn.execute(INSERT, taken_back)
            await inner.rollback()


@asynccontextmanager
async def managed(server: Server, scissors: Scissors) -> AsyncIterator[AdvancedPoolManager]:
    """A manager with everything beside its pool that may stand there."""
    settings = DatabaseSettings(
        _env_file=None,
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        database=server.database,
        application_name=NAME,
        pool_min_size=1,
        pool_max_size=CONNECTIONS,
        acquire_timeout=0.2,
    )
    observers = (scissors, LeakWatch(after=60), MaxLifetime(1.0))
    async with AdvancedPoolManager(*observers) as manager:
        await manager.initialize_pool(settings)
        yield manager


async def under_faults(load: Load, scissors: Scissors, onlooker: Any) -> tuple[int, int]:
    """Let the clients work among faults until it is enough; return how many were killed and cut."""
    clients = [asyncio.create_task(load.client()) for _ in range(CLIENTS)]
    killed = cut = 0
    now = asyncio.get_running_loop().time
    started = now()
    while not load.unexpected and now() < started + LIMIT:
        if now() > started + SECONDS and not load.missing(killed, cut):
            break
        await asyncio.sleep(load.dice.random() * 0.1)
        if load.dice.random() < 0.5:
            killed += [row[0] for row in await onlooker.fetch(KILL, NAME)].count(True)
        else:
            cut += scissors.cut(load.dice)
    for client in clients:
        client.cancel()
    await asyncio.gather(*clients, return_exceptions=True)
    return killed, cut


async def settled(load: Load) -> dict[str, Any]:
    """The pool's numbers when the requests that were under way have ended."""
    pool = load.manager.pool
    async with asyncio.timeout(30):
        while (stats := pool.get_pool_stats())["acquired_count"] or stats["queue_size"]:
            await asyncio.sleep(0.01)
    return stats


async def test_faults_lose_no_connection_and_no_write(server: Server) -> None:
    seed = int(os.environ.get("LAB_TEST_SEED", random.randrange(2**32)))
    print(f"LAB_TEST_SEED={seed}")  # pytest shows it when this fails.
    onlooker = await asyncpg.connect(**server.arguments(application_name="onlooker"))
    await onlooker.execute(TABLES)
    scissors = Scissors()
    async with asyncio.timeout(LIMIT + 100), managed(server, scissors) as manager:
        load = Load(manager, random.Random(seed))
        killed, cut = await under_faults(load, scissors, onlooker)
        assert load.unexpected == []
        assert load.missing(killed, cut) == []  # The faults took place, and so did the work.
        stats = await settled(load)
        assert (stats["acquired_count"], stats["queue_size"]) == (0, 0)
        held = [await manager.pool.acquire(timeout=10) for _ in range(CONNECTIONS)]
        assert len(set(held)) == CONNECTIONS  # Every place is still there.
        for conn in held:
            await manager.pool.release(conn)
        report = await manager.graceful_shutdown()
        assert report.graceful and report.left == ()
        while await onlooker.fetchval(SESSIONS, NAME):
            await asyncio.sleep(0.02)

    stored = {row[0]: row[1] for row in await onlooker.fetch(COUNTS)}
    await onlooker.close(timeout=10)
    assert load.ledger.contradictions(stored) == []
    # Replies were lost both of writes that were done and of writes that were not.
    fates = [
        stored.get(number, 0) for number, fate in load.ledger.known.items() if fate == "unknown"
    ]
    assert min(fates.count(0), fates.count(1)) >= 5, Counter(fates)
