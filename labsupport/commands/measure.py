"""The verb `measure`: a connection for each request against a pool, measured in a terminal."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg

from labsupport.commands.comparison_text import describe, fold
from labsupport.commands.leaving import server_left_as_found
from labsupport.commands.progress_bar import ProgressBar
from labsupport.errors import LabError, cannot_write
from labsupport.measuring import (
    ClosedLoop,
    Comparison,
    Request,
    compare,
    connect_each_time,
    open_pool,
    plot_headline,
    through_pool,
)
from labsupport.measuring.conditions import current_conditions
from labsupport.measuring.stopping import StoppedTooEarly
from labsupport.places import project_root
from labsupport.postgres import (
    Server,
    ServerFacts,
    connect,
    drop_database,
    ensure_kernel_database,
    find_server,
    inspect_server,
)
from labsupport.postgres.find import explain

__all__ = ["run"]

HEADLINE = "SELECT count(*) FROM users"
POLITE_SESSIONS = 20
WHERE = {"embedded": "started by the lab", "DB_HOST": "named by DB_HOST", "own": "throwaway"}
QUERY_LIMIT = 10
FAILED, INTERRUPTED = 1, 130


def run(options: argparse.Namespace) -> int:
    """Measure, save what was asked for and print the outcome.

    Returns 0, 1 when a request failed, or 130 when it was stopped; what was measured until then is
    printed and saved all the same. Raises `LabError`.
    """
    # A server that goes away is among the errors of the table, not a traceback for each attempt.
    logging.getLogger("asyncpg").addHandler(logging.NullHandler())
    json, plot = (_place(name) for name in (options.json, options.plot))
    try:
        with server_left_as_found():
            comparison = asyncio.run(_measure(options))
        try:
            _save(comparison, json, plot)
        finally:
            print(describe(comparison, _width()), flush=True)
        for path in (json, plot):
            if path is not None:
                print(f"Saved {path}", flush=True)
    except StoppedTooEarly as error:
        print(f"\n{error}", file=sys.stderr, flush=True)
        return INTERRUPTED
    except BrokenPipeError:
        # Nobody reads on, as with `| head`. What is still to be written goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    if comparison.ended == "stopped":
        return INTERRUPTED
    return FAILED if any(result.errors for result in comparison.results.values()) else 0


def _width() -> int:
    return shutil.get_terminal_size().columns


def _say(text: str) -> None:
    print(fold(text, _width()), flush=True)


async def _measure(options: argparse.Namespace) -> Comparison:
    server = await find_server(_say)
    facts = await inspect_server(server)
    _check_sessions(options, server, facts)
    query = options.query or HEADLINE
    async with _database(options, server, facts) as database:
        await _try_query(server, database, query)
        conditions = {
            "server": f"PostgreSQL {facts.version}",
            "where": server.where,
            "max_connections": str(facts.max_connections),
            "pool size": str(options.pool_size),
            "query": query,
        }
        _check_conditions(conditions)
        _say(f"Server:  PostgreSQL {facts.version} at {facts.address} ({WHERE[server.where]})")
        _say(f"Query:   {query}")
        _say(f"Clients: {options.concurrency} at the same time, for {options.seconds:g} s at most")
        print(flush=True)
        load = ClosedLoop(clients=options.concurrency, seconds=options.seconds)
        async with _requests(options, server, database, query) as requests:
            return await compare(requests, load, facts=conditions, progress=ProgressBar())


def _check_sessions(options: argparse.Namespace, server: Server, facts: ServerFacts) -> None:
    """Raise `LabError` when the server has too few sessions left; say when it is no small number.

    The pool stays open while the other way has its turn, so both numbers count.
    """
    needed = options.concurrency + options.pool_size
    free = facts.max_connections - facts.superuser_reserved - (facts.sessions - 1)
    if needed > free:
        raise LabError(
            f"This needs {needed} sessions (--concurrency and --pool-size together), and "
            f"{facts.address} has {max(free, 0)} free. Choose smaller ones, or raise "
            "max_connections."
        )
    if server.where == "DB_HOST" and needed > POLITE_SESSIONS:
        _say(
            f"Note: this takes up to {needed} sessions of {facts.address}. On a server that "
            f"others may share, the lab takes at most {POLITE_SESSIONS} unless asked for more."
        )


@asynccontextmanager
async def _database(
    options: argparse.Namespace, server: Server, facts: ServerFacts
) -> AsyncIterator[str]:
    """The database to measure in: one with the sample data for the time of the block.

    A query of one's own, on a server of one's own, runs in the database that `DB_NAME` names.
    """
    if server.where == "DB_HOST" and options.query is not None:
        yield server.database
        return
    if not facts.may_create_databases:
        raise LabError(
            f"The role {facts.role!r} may not create databases at {facts.address}, so the sample "
            "data cannot be loaded there. Name a query that it may run in DB_NAME, for example "
            "--query 'SELECT 1'."
        )
    database = await ensure_kernel_database(server, _say)
    try:
        yield database
    finally:
        try:
            await drop_database(server, database)
        except LabError:
            _say(f"The database {database} could not be dropped; the next lesson will drop it.")


async def _try_query(server: Server, database: str, query: str) -> None:
    """Run the query once. Raises `LabError` when the server refuses it, with the reason."""
    async with connect(server, database) as connection:
        try:
            await connection.fetch(query, timeout=QUERY_LIMIT)
        except TimeoutError as error:
            raise LabError(
                f"The query does not end within {QUERY_LIMIT} s; choose a quicker one."
            ) from error
        except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _refused_query(server, error) from error


def _refused_query(server: Server, error: Exception) -> LabError:
    # The first line says what is wrong; what follows are details and hints for programmers.
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    elsewhere = f", or name another database than {server.database!r} in DB_NAME"
    return LabError(
        f"The query does not run: {reason}. "
        f"Correct --query{elsewhere if server.where == 'DB_HOST' else ''}."
    )


def _check_conditions(facts: dict[str, str]) -> None:
    """Raise `LabError` when what would be printed and saved looks like a secret."""
    try:
        current_conditions({}, 1, facts)
    except ValueError as error:
        raise LabError(
            "The query looks as if it held a password, and a result is saved with its query. "
            "Measure with a query without one."
        ) from error


@asynccontextmanager
async def _requests(
    options: argparse.Namespace, server: Server, database: str, query: str
) -> AsyncIterator[dict[str, Request]]:
    """The two ways to run the query; the pool is open for the time of the block."""
    where = server.arguments(database, application_name="labsupport measure")
    async with AsyncExitStack() as stack:
        try:
            pool = await stack.enter_async_context(open_pool(options.pool_size, **where))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise explain(error, server, database) from error
        yield {
            "connect each time": connect_each_time(query, **where),
            f"pool of {options.pool_size}": through_pool(pool, query),
        }


def _place(name: str | None) -> Path | None:
    """The whole path of a file to write, seen from the clone.

    Raises `LabError` when it cannot be written: better now than after the measurement.
    """
    if name is None:
        return None
    path = project_root() / Path(name).expanduser()
    part = path.with_name(path.name + ".part")
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder", str(path))
        part.touch()
        part.unlink()
    except OSError as error:
        raise cannot_write(
            str(path), error, "Name a file in a folder that exists and that you may write to."
        ) from error
    return path


def _save(comparison: Comparison, json: Path | None, plot: Path | None) -> None:
    if json is not None:
        comparison.save(json)
    if plot is not None:
        try:
            plot_headline(comparison).savefig(plot)
        except OSError as error:
            raise cannot_write(str(plot), error, "Name a file that you may write.") from error
