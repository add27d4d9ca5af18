"""The leak watch: who, where, for how long, and the return."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from labsupport import pooling
from labsupport.pooling import LeakWatch, PooledDatabase
from tests.pooling.opening import open_pool, until


async def test_a_late_connection_is_reported_with_borrower_and_place_and_so_is_its_return(
    where: dict[str, Any],
) -> None:
    said: list[str] = []
    watch = LeakWatch(after=0.05, report=said.append)
    async with open_pool(where, watch) as pool:

        async def hold_too_long() -> None:
            async with pool.acquire():
                await until(lambda: said, "a report")
                assert "more than 0.05 s" in said[0]

        await asyncio.create_task(hold_too_long(), name="import-7")
        assert [line.split(";")[0][:13] for line in said] == ["A connection ", "It came back "]
        for line in said:
            assert "import-7" in line and "test_leaks.py" in line and "hold_too_long" in line


async def test_nothing_is_said_of_what_comes_back_in_time(where: dict[str, Any]) -> None:
    said: list[str] = []
    wrong: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: wrong.append(context))
    async with open_pool(where, LeakWatch(after=0.1, report=said.append)) as pool:
        for _ in range(5):
            async with pool.acquire() as conn:
                await conn.fetchval("SELECT 1")
        await asyncio.sleep(0.2)
    assert said == [] and wrong == []


async def test_the_loans_of_this_moment(where: dict[str, Any]) -> None:
    watch = LeakWatch()
    async with open_pool(where, watch) as pool:
        assert watch.loans() == []
        async with pool.acquire():
            await asyncio.sleep(0.01)
            async with pool.acquire():
                older, newer = watch.loans()
                assert older.held_seconds > newer.held_seconds
                assert "test_the_loans_of_this_moment" in older.stack[0]
                assert "held for" in str(older)
        assert watch.loans() == []


async def test_the_place_is_the_callers_also_behind_other_layers(where: dict[str, Any]) -> None:
    watch = LeakWatch(depth=2)
    async with open_pool(where, watch) as pool, PooledDatabase(pool).connection():
        (loan,) = watch.loans()
        assert "test_leaks.py" in loan.stack[0]
        assert not any("pooling/pool.py" in line or "asyncio" in line for line in loan.stack)


async def test_a_borrower_in_a_folder_whose_name_begins_like_the_packages_is_named(
    where: dict[str, Any],
) -> None:
    neighbour = str(Path(pooling.__file__).parent) + "_jobs.py"
    names: dict[str, Any] = {}
    exec(
        compile("async def borrow(pool):\n    return await pool.acquire()\n", neighbour, "exec"),
        names,
    )
    watch = LeakWatch(depth=1)
    async with open_pool(where, watch) as pool:
        conn = await names["borrow"](pool)
        (loan,) = watch.loans()
        assert loan.stack == (f"{neighbour}:2 in borrow",)
        await pool.release(conn)


async def test_a_connection_that_broke_is_still_a_loan_until_it_is_returned(
    where: dict[str, Any], onlooker: Any
) -> None:
    watch = LeakWatch()
    async with open_pool(where, watch, min_size=0) as pool:
        conn = await pool.acquire()
        await onlooker.fetchval("SELECT pg_terminate_backend($1, 5000)", conn.get_server_pid())
        await until(lambda: pool.get_pool_stats()["size"] == 0, "the pool saw it end")
        assert len(watch.loans()) == 1
        await pool.release(conn)
        assert watch.loans() == []


async def test_nothing_is_said_after_the_pool_is_closed(where: dict[str, Any]) -> None:
    said: list[str] = []
    wrong: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: wrong.append(context))
    async with open_pool(where, LeakWatch(after=0.2, report=said.append)) as pool:
        await pool.acquire()
        assert len((await pool.close(timeout=0)).left) == 1
        await asyncio.sleep(0.3)
    assert said == [] and wrong == []


@pytest.mark.parametrize("options", [{"after": 0}, {"after": -1}, {"depth": 0}])
def test_values_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="above zero"):
        LeakWatch(**options)
