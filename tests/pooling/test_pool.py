"""DatabasePool: borrowing, waiting, settings, limits, numbers."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import psutil
import pytest

from labsupport.pooling import (
    DatabasePool,
    PoolClosed,
    PoolError,
    PoolNotInitialized,
    PoolObserver,
    PoolOverloaded,
    PoolTimeout,
    WrongEventLoop,
)
from labsupport.pooling.stats import places_taken
from labsupport.postgres import Server
from tests.pooling.conftest import address_of
from tests.pooling.opening import open_pool, sessions, until

SETTINGS = "SELECT current_setting(name) FROM unnest($1::text[]) AS name"
FOUND = "SELECT to_regclass('pg_temp.never_committed')"
NAMES = ["timezone", "search_path", "application_name", "statement_timeout"]


async def settings_of(pool: DatabasePool) -> list[str]:
    """The session settings that the next borrower sees."""
    async with pool.acquire() as conn:
        return [row[0] for row in await conn.fetch(SETTINGS, NAMES)]


async def test_a_connection_can_be_borrowed_in_both_ways(each_server: Server) -> None:
    async with open_pool(address_of(each_server)) as pool:
        async with pool.acquire() as conn:
            assert await conn.fetchval("SELECT 1") == 1
        conn = await pool.acquire()
        assert await conn.fetchval("SELECT 2") == 2
        assert pool.get_pool_stats()["acquired_count"] == 1
        await pool.release(conn)
        assert pool.get_pool_stats()["acquired_count"] == 0


async def test_settings_survive_release(each_server: Server) -> None:
    async with open_pool(address_of(each_server), max_size=1) as pool:
        expected = ["UTC", "public", "my_app_pool", "30s"]
        for _ in range(3):
            assert await settings_of(pool) == expected
        async with pool.acquire() as conn:
            await conn.execute("SET statement_timeout = 0; SET timezone = 'Europe/Paris'")
        assert await settings_of(pool) == expected


async def test_server_settings_change_and_remove_the_defaults(where: dict[str, Any]) -> None:
    changes = {"statement_timeout": 7000, "search_path": None, "application_name": "orders"}
    async with open_pool(where, server_settings=changes) as pool:
        assert await settings_of(pool) == ["UTC", '"$user", public', "orders", "7s"]


@pytest.mark.parametrize("password", ["p@ss", "pa/ss", "pa%41ss", "pa ss", "pa:s?s#[a]&=+'$x"])
async def test_any_password_arrives_unchanged(
    where: dict[str, Any], onlooker: Any, password: str
) -> None:
    # ALTER ROLE knows no parameters; the server quotes the text itself.
    command = await onlooker.fetchval(
        "SELECT format('ALTER ROLE %I PASSWORD %L', current_user, $1::text)", password
    )
    await onlooker.execute(command)
    try:
        async with open_pool({**where, "password": password}) as pool, pool.acquire() as conn:
            assert await conn.fetchval("SELECT 1") == 1
        with pytest.raises(asyncpg.InvalidPasswordError):
            await DatabasePool().initialize(**{**where, "password": password + "x"})
    finally:
        back = "SELECT format('ALTER ROLE %I PASSWORD %L', current_user, $1::text)"
        await onlooker.execute(await onlooker.fetchval(back, where["password"]))


async def test_waiting_ends_at_the_deadline_and_the_error_tells_the_state(
    where: dict[str, Any],
) -> None:
    async with open_pool(where, acquire_timeout=0.2) as pool:
        async with pool.acquire(), pool.acquire():
            waiting = asyncio.create_task(take_and_return(pool, timeout=5))
            await until(lambda: pool.get_pool_stats()["queue_size"] == 1, "one waits")
            text = "within 0.2 s: size 2 of at most 2, idle 0, in use 2, waiting 2"
            with pytest.raises(PoolTimeout, match=text) as caught:
                await pool.acquire()
            assert isinstance(caught.value, TimeoutError)
        await waiting
        assert pool.get_pool_stats()["timeouts"] == 1
        assert pool.get_pool_stats()["queue_size"] == 0


async def take_and_return(pool: DatabasePool, timeout: float | None = None) -> int:
    """Borrow a connection for one query; return the backend's process id."""
    async with pool.acquire(timeout=timeout) as conn:
        return int(await conn.fetchval("SELECT pg_backend_pid()"))


async def test_timeout_zero_takes_only_what_is_free_now(where: dict[str, Any]) -> None:
    async with open_pool(where, max_size=1) as pool:
        async with pool.acquire(timeout=0):
            with pytest.raises(PoolTimeout):
                await pool.acquire(timeout=0)
        await take_and_return(pool, timeout=0)


async def test_waiters_are_counted_and_free_connections_are_not_waiters(
    where: dict[str, Any],
) -> None:
    async with open_pool(where, min_size=2) as pool:
        stats = pool.get_pool_stats()
        assert (stats["queue_size"], stats["idle_count"], stats["size"]) == (0, 2, 2)
        async with pool.acquire(), pool.acquire():
            tasks = [asyncio.create_task(take_and_return(pool)) for _ in range(30)]
            await until(lambda: pool.get_pool_stats()["queue_size"] == 30, "30 wait")
            stats = pool.get_pool_stats()
            assert (stats["acquired_count"], stats["idle_count"]) == (2, 0)
        await asyncio.gather(*tasks)
        assert pool.get_pool_stats()["queue_size"] == 0


async def test_who_came_first_is_served_first(where: dict[str, Any]) -> None:
    served: list[int] = []

    async def ask(number: int) -> None:
        async with pool.acquire():
            served.append(number)

    async with open_pool(where, max_size=1) as pool:
        async with pool.acquire():
            tasks = []
            for number in range(6):
                tasks.append(asyncio.create_task(ask(number)))
                await asyncio.sleep(0)
        await asyncio.gather(*tasks)
    assert served == list(range(6))


async def test_max_waiting_refuses_at_once_and_lets_free_connections_be_used(
    where: dict[str, Any],
) -> None:
    async with open_pool(where, min_size=0, max_waiting=1) as pool:
        # Nothing is open yet: three ask at the same time, two connect and one may wait.
        assert len(await asyncio.gather(*(take_and_return(pool) for _ in range(3)))) == 3
        async with pool.acquire(), pool.acquire():
            waiting = asyncio.create_task(take_and_return(pool))
            await until(lambda: pool.get_pool_stats()["queue_size"] == 1, "one waits")
            with pytest.raises(PoolOverloaded, match="in use 2, waiting 1"):
                await pool.acquire()
        await waiting


async def test_a_limit_that_is_no_number_is_refused_in_a_sentence(where: dict[str, Any]) -> None:
    async with open_pool(where) as pool:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            with pytest.raises(TypeError, match="timeout is '1'. Give a number of seconds"):
                await pool.acquire(timeout="1")  # type: ignore[arg-type]
            gc.collect()
        assert not [warning for warning in warned if "never awaited" in str(warning.message)]
        await take_and_return(pool, timeout=10)


async def test_sizes_and_times_are_honest(where: dict[str, Any]) -> None:
    async with open_pool(where, min_size=1, max_size=3) as pool:
        async with pool.acquire() as conn:
            await conn.execute("SELECT pg_sleep(0.05)")
        stats = pool.get_pool_stats()
        assert (stats["min_size"], stats["max_size"], stats["size"]) == (1, 3, 1)
        assert stats["create_time"].count == 1 and stats["create_time"].mean > 0
        assert stats["wait_time"].count == stats["use_time"].count == 1
        assert stats["use_time"].longest >= 0.05
        assert stats["wait_time"].longest < stats["use_time"].longest
        assert sum(stats["use_time"].counts) == 1 and stats["use_time"].counts[0] == 0


async def test_before_initialize_and_after_close_the_errors_are_clear_and_the_stats_zero(
    where: dict[str, Any],
) -> None:
    pool = DatabasePool()
    assert pool.get_pool_stats()["queue_size"] == pool.get_pool_stats()["size"] == 0
    with pytest.raises(PoolNotInitialized, match="initialize"):
        async with pool.acquire():
            pass
    assert (await pool.close()).graceful
    await pool.initialize(**where, min_size=1, max_size=1)
    await pool.close()
    with pytest.raises(PoolClosed, match="closed"):
        await pool.acquire()
    assert pool.get_pool_stats()["max_size"] == 0
    await pool.initialize(**where, min_size=1, max_size=1)
    await take_and_return(pool)
    await pool.close()


async def test_initializing_twice_is_refused_also_at_the_same_time(where: dict[str, Any]) -> None:
    async with DatabasePool() as pool:
        sizes = {"min_size": 1, "max_size": 1}
        results = await asyncio.gather(
            *(pool.initialize(**where, **sizes) for _ in range(2)), return_exceptions=True
        )
        assert [type(result) for result in results] == [type(None), PoolError]
        with pytest.raises(PoolError, match="close"):
            await pool.initialize(**where, **sizes)
        await take_and_return(pool)


async def test_initialize_can_be_tried_again_after_a_failure(where: dict[str, Any]) -> None:
    async with DatabasePool() as pool:
        with pytest.raises(OSError):
            await pool.initialize(**{**where, "port": 1}, min_size=1, max_size=1)
        with pytest.raises(ValueError, match="min_size"):
            await pool.initialize(**where, min_size=3, max_size=1)
        for wrong in ({"acquire_timeout": 0}, {"release_timeout": None}, {"max_waiting": -1}):
            with pytest.raises(ValueError, match=next(iter(wrong))):
                await pool.initialize(**where, **wrong)
        await pool.initialize(**where, min_size=1, max_size=1)
        await take_and_return(pool)


@asynccontextmanager
async def silent_server() -> AsyncIterator[tuple[str, int]]:
    """Something that takes connections and says nothing; fails when nobody came."""
    held: list[asyncio.StreamWriter] = []

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        yield "127.0.0.1", silent.sockets[0].getsockname()[1]
        for writer in held:
            writer.close()
    assert held, "nobody connected"


async def test_connecting_to_what_never_answers_ends_at_connect_timeout() -> None:
    async with silent_server() as (host, port), asyncio.timeout(20):
        with pytest.raises(TimeoutError, match="No server answered within 0.3 s"):
            await DatabasePool().initialize(host, port, connect_timeout=0.3)


async def test_an_init_that_does_not_end_is_ended_at_connect_timeout(where: dict[str, Any]) -> None:
    async def init(conn: Any) -> None:
        await asyncio.sleep(60)

    limits: dict[str, Any] = {"connect_timeout": 3, "init": init, "max_size": 1}
    async with asyncio.timeout(30), DatabasePool() as pool:
        with pytest.raises(TimeoutError, match="init did not end within 3 s"):
            await pool.initialize(**where, **limits, min_size=1)
        await pool.initialize(**where, **limits, min_size=0)
        with pytest.raises(PoolTimeout, match="init did not end within 3 s: size 0 of at most 1"):
            await pool.acquire(timeout=20)


async def test_whoever_cancels_while_init_cleans_up_is_heard(where: dict[str, Any]) -> None:
    cleaning = asyncio.Event()

    async def init(conn: Any) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cleaning.set()
            await asyncio.sleep(60)

    pool = DatabasePool()
    opening = asyncio.create_task(
        pool.initialize(**where, min_size=1, max_size=1, connect_timeout=2, init=init)
    )
    await asyncio.wait_for(cleaning.wait(), 20)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(opening, 20)


async def test_new_connect_arguments_keep_the_limit(where: dict[str, Any]) -> None:
    """asyncpg's way to follow a changed password replaces all that it connects with."""

    async def init(conn: Any) -> None:
        await conn.execute("SELECT 1")

    async with DatabasePool() as pool:
        await pool.initialize(**where, min_size=0, max_size=1, init=init)
        assert pool.pool is not None
        pool.pool.set_connect_args(**where)
        async with pool.acquire() as conn:
            assert await conn.fetchval("SELECT 1") == 1


async def test_an_init_that_fails_leaves_no_session(where: dict[str, Any], onlooker: Any) -> None:
    async def init(conn: Any) -> None:
        raise KeyError("the caller's own")

    with pytest.raises(KeyError):
        await DatabasePool().initialize(**where, min_size=1, max_size=1, init=init)
    async with asyncio.timeout(10):
        while await sessions(onlooker):
            await asyncio.sleep(0.01)


async def test_a_request_that_needs_a_new_connection_is_told_which_limit_was_reached() -> None:
    async with silent_server() as (host, port), asyncio.timeout(20), DatabasePool() as pool:
        await pool.initialize(host, port, min_size=0, max_size=1, connect_timeout=0.2)
        with pytest.raises(PoolTimeout, match="No server answered within 0.2 s: size 0 of at most"):
            await pool.acquire()
        with pytest.raises(PoolTimeout, match="No connection within 0.1 s: size 0 of at most 1"):
            await pool.acquire(timeout=0.1)
        assert pool.get_pool_stats()["timeouts"] == 2


async def test_an_observer_that_raises_costs_nobody_a_connection(
    where: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(PoolObserver):
        def on_acquire(self, conn: Any) -> None:
            raise RuntimeError("a broken observer")

    async with open_pool(where, Broken(), max_size=1) as pool:
        for _ in range(3):
            await take_and_return(pool, timeout=5)
        assert pool.get_pool_stats()["acquired_count"] == 0
    assert "a broken observer" in caplog.text


def test_another_event_loop_is_told_so(server: Server) -> None:
    pool = DatabasePool()

    async def use_again() -> None:
        for use in (pool.acquire(), pool.close(), pool.initialize()):
            with pytest.raises(WrongEventLoop, match="another event loop.* a new DatabasePool"):
                await use

    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(pool.initialize(**address_of(server), min_size=1, max_size=1))
        asyncio.run(use_again())
        assert loop.run_until_complete(take_and_return(pool)) > 0
        loop.run_until_complete(pool.close())
    finally:
        loop.close()


async def test_release_twice_is_harmless_and_a_foreign_connection_is_refused(
    where: dict[str, Any], onlooker: Any
) -> None:
    async with open_pool(where) as pool, open_pool(where) as other:
        conn = await pool.acquire()
        await pool.release(conn)
        await pool.release(conn)
        assert pool.get_pool_stats()["use_time"].count == 1
        with pytest.raises(asyncpg.InterfaceError, match="released back"):
            await conn.fetchval("SELECT 1")
        foreign = await other.acquire()
        for wrong in (foreign, onlooker):
            with pytest.raises(asyncpg.InterfaceError, match="not a member"):
                await pool.release(wrong)
        await other.release(foreign)


async def test_a_connection_of_the_time_before_a_close_may_come_back_late(
    where: dict[str, Any],
) -> None:
    async with open_pool(where, max_size=1) as pool:
        late = await pool.acquire()
        await pool.close(timeout=0)
        await pool.initialize(**where, min_size=1, max_size=1)
        await pool.release(late)
        await take_and_return(pool, timeout=10)
        assert pool.get_pool_stats()["use_time"].count == 1


async def test_one_borrowing_serves_one_block_at_a_time(where: dict[str, Any]) -> None:
    async with open_pool(where) as pool:
        borrowing = pool.acquire()
        async with borrowing:
            with pytest.raises(RuntimeError, match="anew"):
                async with borrowing:
                    pass
        assert pool.get_pool_stats()["acquired_count"] == 0


async def test_a_killed_idle_connection_is_replaced(where: dict[str, Any], onlooker: Any) -> None:
    async with open_pool(where, max_size=1) as pool:
        before = await take_and_return(pool)
        assert await onlooker.fetchval("SELECT pg_terminate_backend($1, 5000)", before)
        await until(lambda: pool.get_pool_stats()["create_time"].count == 2, "a new connection")
        assert await take_and_return(pool) != before


async def test_a_connection_killed_in_use_fails_its_user_and_no_one_after(
    where: dict[str, Any], onlooker: Any
) -> None:
    async with open_pool(where, max_size=1) as pool:
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            async with pool.acquire() as conn:
                kill = "SELECT pg_terminate_backend($1)"
                asyncio.get_running_loop().create_task(
                    onlooker.fetchval(kill, conn.get_server_pid())
                )
                await conn.execute("SELECT pg_sleep(10)")
        await take_and_return(pool)
        assert pool.get_pool_stats()["acquired_count"] == 0


async def test_a_broken_connection_counts_as_in_use_until_it_is_given_back(
    where: dict[str, Any], onlooker: Any
) -> None:
    async with open_pool(where, max_size=1) as pool:
        conn = await pool.acquire()
        await onlooker.fetchval("SELECT pg_terminate_backend($1, 5000)", conn.get_server_pid())
        await asyncio.sleep(0.05)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await conn.fetchval("SELECT 1")
        assert pool.get_pool_stats()["acquired_count"] == 1
        await pool.release(conn)
        assert pool.get_pool_stats()["acquired_count"] == 0


async def test_broken_connections_that_are_still_held_take_no_place_from_others(
    where: dict[str, Any], onlooker: Any
) -> None:
    async with open_pool(where, min_size=0, max_waiting=0) as pool:
        held = [await pool.acquire() for _ in range(2)]
        for conn in held:
            await onlooker.fetchval("SELECT pg_terminate_backend($1, 5000)", conn.get_server_pid())
        await until(lambda: pool.get_pool_stats()["size"] == 0, "the pool saw them end")
        assert places_taken(pool.get_pool_stats()) == 0
        held += [await pool.acquire(timeout=10) for _ in range(2)]
        stats = pool.get_pool_stats()
        assert stats["acquired_count"] == stats["max_size"] == places_taken(stats) == 2
        with pytest.raises(PoolOverloaded):
            await pool.acquire()
        for conn in held:
            await pool.release(conn)
        assert pool.get_pool_stats()["acquired_count"] == 0


async def test_the_request_after_a_connection_that_died_unnoticed_works(
    where: dict[str, Any],
) -> None:
    async def kill(pid: int) -> None:
        killer = await asyncpg.connect(**where)
        assert await killer.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
        await killer.close()

    async with open_pool(where, max_size=1) as pool:
        pid = await take_and_return(pool)
        # This thread waits, so its event loop gets no chance to see the connection end.
        killing = threading.Thread(target=lambda: asyncio.run(kill(pid)))
        killing.start()
        killing.join(timeout=20)
        with pytest.raises(asyncpg.ConnectionDoesNotExistError):
            await take_and_return(pool)
        assert await take_and_return(pool) != pid


@pytest.mark.same_machine
async def test_a_frozen_backend_does_not_hold_its_releaser_and_the_work_stays_done(
    where: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with open_pool(where, max_size=1, release_timeout=0.3) as pool:
        async with pool.acquire() as conn:
            frozen = psutil.Process(conn.get_server_pid())
            frozen.suspend()
        try:
            assert "could not be cleaned" in caplog.text
            assert await take_and_return(pool) != frozen.pid
        finally:
            frozen.resume()


async def test_cancelled_borrowers_give_everything_back(where: dict[str, Any]) -> None:
    async with open_pool(where, min_size=0, max_size=3) as pool:
        outcomes = []
        for round_number in range(5):
            tasks = [asyncio.create_task(sleep_in_database(pool)) for _ in range(20)]
            # Some are cancelled while connecting, some in a query and some while they wait.
            await asyncio.sleep(0.004 * round_number)
            for task in tasks[::2]:
                task.cancel()
            outcomes += await asyncio.gather(*tasks, return_exceptions=True)
        cancelled = [o for o in outcomes if isinstance(o, asyncio.CancelledError)]
        assert len(cancelled) >= 40 and len([o for o in outcomes if o is None]) >= 40
        stats = pool.get_pool_stats()
        assert stats["queue_size"] == 0
        await until(lambda: pool.get_pool_stats()["acquired_count"] == 0, "all are back")
        assert (await pool.close()).graceful


async def test_wherever_it_is_cancelled_the_connection_comes_back(where: dict[str, Any]) -> None:
    """Cancelled after so many turns of the event loop: while it gets the connection or gives it."""
    async with open_pool(where, min_size=1, max_size=1) as pool:

        async def borrow() -> None:
            async with pool.acquire():
                pass

        for turns in range(24):
            task = asyncio.create_task(borrow())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task], timeout=10)
            async with pool.acquire(timeout=10) as conn:
                assert await conn.fetchval("SELECT 1") == 1


async def sleep_in_database(pool: DatabasePool) -> None:
    """Hold a connection for a short query."""
    async with pool.acquire() as conn:
        await conn.execute("SELECT pg_sleep(0.005)")


async def test_an_open_transaction_is_rolled_back_at_release(where: dict[str, Any]) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    async with open_pool(where, max_size=1) as pool:
        async with pool.acquire() as conn:
            await conn.execute("BEGIN; CREATE TEMPORARY TABLE never_committed (id int)")
            assert await conn.fetchval(FOUND) is not None
        async with pool.acquire() as conn:
            assert not conn.is_in_transaction()
            assert await conn.fetchval(FOUND) is None


async def test_the_connection_that_came_back_last_is_lent_out_first(where: dict[str, Any]) -> None:
    async with open_pool(where, min_size=3, max_size=3) as pool:
        held = [await pool.acquire() for _ in range(3)]
        last = held[1]
        pid = last.get_server_pid()
        for conn in (held[0], held[2], last):
            await pool.release(conn)
        assert [await take_and_return(pool) for _ in range(4)] == [pid] * 4
        assert pool.get_pool_stats()["idle_count"] == 3


async def test_a_connection_is_replaced_after_max_queries(where: dict[str, Any]) -> None:
    async with open_pool(where, max_size=1, max_queries=10) as pool:
        served = [await take_and_return(pool) for _ in range(10)]
        # A request counts as two, its query and the cleaning after it; some last longer than one.
        assert served[0] == served[1] and 2 <= len(set(served)) <= 5
    async with open_pool(where, max_size=1) as pool:
        assert len({await take_and_return(pool) for _ in range(10)}) == 1


async def test_an_idle_connection_above_the_minimum_ends_after_its_time_and_the_minimum_stays(
    where: dict[str, Any],
) -> None:
    async with open_pool(where, max_inactive_connection_lifetime=0.2) as pool:
        held = [await pool.acquire(), await pool.acquire()]
        for conn in held:
            await pool.release(conn)
        await until(lambda: pool.get_pool_stats()["size"] == 1, "one has ended")
        await asyncio.sleep(0.4)  # Twice its time: the minimum is not for ending.
        stats = pool.get_pool_stats()
        assert (stats["size"], stats["create_time"].count) == (1, 2)


async def test_a_pool_that_is_dropped_without_close_warns(where: dict[str, Any]) -> None:
    pool = DatabasePool()
    await pool.initialize(**where, min_size=1, max_size=1)
    inside = pool.pool
    with pytest.warns(ResourceWarning, match="never closed"):
        del pool
        gc.collect()
    await inside.close()


async def test_a_pool_that_was_closed_or_never_opened_is_dropped_in_silence(
    where: dict[str, Any],
) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        DatabasePool()
        async with open_pool(where):
            pass
        gc.collect()
    assert not [warning for warning in warned if "never closed" in str(warning.message)]
