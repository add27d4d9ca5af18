"""Exercise 10.a: the HTTP status of a database error."""

from __future__ import annotations

import inspect
import socket
from functools import partial
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench

__all__ = ["check"]

TABLES = """
    CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL UNIQUE);
    CREATE TABLE purchases (customer int REFERENCES customers, cents int CHECK (cents > 0));
    INSERT INTO customers VALUES (1, 'ada@shop')
"""
RAISE = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{}'; END $$"
STATEMENTS = (
    ("an e-mail that is taken", "INSERT INTO customers VALUES (2, 'ada@shop')", 409),
    ("an order for nobody", "INSERT INTO purchases VALUES (99, 5)", 409),
    ("a negative amount", "INSERT INTO purchases VALUES (1, -5)", 400),
    ("an e-mail that is NULL", "INSERT INTO customers VALUES (3, NULL)", 400),
    ("a number that is too large", "INSERT INTO customers VALUES (9999999999, 'x')", 400),
    ("a table that does not exist", "SELECT * FROM invoices", 500),
    ("a lost race (serialization)", RAISE.format("40001"), 503),
    ("a deadlock", RAISE.format("40P01"), 503),
    ("a server without room", RAISE.format("53300"), 503),
    ("a server that starts", RAISE.format("57P03"), 503),
    ("a statement that was cancelled", RAISE.format("57014"), 503),
)
LOOK = "round 3: who can do something about this error, and whether it helps to ask again"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Let real errors happen, and ask for the status of each."""
    bench.expect(
        not inspect.iscoroutinefunction(answer),
        "status_for is an async function: a call returns a coroutine, and no number.",
        "an ordinary function, without await.",
        "how the function is defined",
    )
    errors = await _errors(bench)
    for what, (error, right) in errors.items():
        called = f"status_for({type(error).__name__}) for {what}"
        status = await bench.run(called, partial(answer, error), look=LOOK)
        bench.expect(
            type(status) is not str, f"{called} returned {status!r}, a text.", "a number.", LOOK
        )
        bench.expect(status == right, f"{called} returned {status!r}.", f"{right}.", LOOK)
    return {"errors with the right status": len(errors)}


async def _errors(bench: Bench) -> dict[str, tuple[Exception, int]]:
    """Errors as the database and asyncpg raise them, each with its status."""
    bench.stage("making things go wrong")
    errors: dict[str, tuple[Exception, int]] = {}
    async with bench.pool(1) as pool:
        await pool.execute(TABLES)
        for what, statement, status in STATEMENTS:
            errors[what] = (await _error_of(pool.execute(statement)), status)
        errors["an argument too many"] = (await _error_of(pool.fetchval("SELECT 1", 2)), 500)
        errors["a limit that was reached"] = (await _error_of(_no_connection(pool)), 503)
        errors["a session that was killed"] = (await _error_of(_killed(pool)), 503)
    errors["a server that is down"] = (await _error_of(_nobody_listens(bench)), 503)
    errors["a key that the program mistook"] = (KeyError("customer"), 500)
    errors["a text that the program cannot read"] = (ValueError("no number: ''"), 500)
    return errors


async def _error_of(call: Any) -> Exception:
    try:
        await call
    except Exception as error:
        return error
    raise RuntimeError("the check expected an error, and there was none")


async def _no_connection(pool: Any) -> None:
    async with pool.acquire(timeout=2):
        await pool.acquire(timeout=0.05)


async def _killed(pool: Any) -> None:
    await pool.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    await pool.execute("SELECT 1")


async def _nobody_listens(bench: Bench) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        await asyncpg.connect(**{**bench.where, "host": "127.0.0.1", "port": port}, timeout=2)
