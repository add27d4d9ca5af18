"""The delay proxy, against known answers and real faults."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
import trustme

from labsupport.errors import LabError
from labsupport.postgres import Distant, OwnServer, Server, distant
from tests.homes import alive, wait_until
from tests.pooling.tls import tls_relay

ENDED = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
HOLDER = """
import asyncio, json, sys
from labsupport.postgres import Server, distant

async def main():
    server = Server("127.0.0.1", 1, "lab", "", "lab", "own")
    async with distant(server) as far:
        print(json.dumps({"pid": far.process.pid}), flush=True)
        await asyncio.sleep(100)

asyncio.run(main())
"""

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def far(own: OwnServer) -> AsyncIterator[Distant]:
    """The server, at no distance yet."""
    async with distant(own.server, round_trip=0) as made:
        yield made


@pytest.fixture
async def connection(far: Distant) -> AsyncIterator[Any]:
    """A connection through the proxy."""
    made = await asyncpg.connect(**far.arguments())
    yield made
    made.terminate()


@asynccontextmanager
async def something_else(serve: Serve, round_trip: float) -> AsyncIterator[Distant]:
    """A proxy before something that is no PostgreSQL."""
    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with (
        listener,
        distant(Server("127.0.0.1", port, "nobody", "", "none", "own"), round_trip) as far,
    ):
        yield far


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def until_all_have_ended(far: Distant) -> None:
    """Wait until no connection is open."""
    async with asyncio.timeout(20):
        while (await far.counts()).open:
            await asyncio.sleep(0.01)


async def no_reset(connection: Any) -> None:
    """What a pool may do at a release instead of asyncpg's reset: nothing."""


async def test_round_trips_of_one_connection(far: Distant, own: OwnServer) -> None:
    async with far.counting() as connecting:
        connection = await asyncpg.connect(**far.arguments())
    assert (connecting.round_trips, connecting.opened) == (3, 1)  # SCRAM
    async with far.counting() as first:
        await connection.fetchval("SELECT count(*) FROM users WHERE id > $1", 5)
    assert first.round_trips == 2  # One to prepare it.
    async with far.counting() as again:
        await connection.fetchval("SELECT count(*) FROM users WHERE id > $1", 5)
    assert (again.round_trips, again.opened) == (1, 0)
    async with far.counting() as transaction, connection.transaction():
        await connection.fetchval("SELECT count(*) FROM users WHERE id > $1", 5)
    assert transaction.round_trips == 3  # BEGIN, the query, COMMIT.
    async with far.counting() as closing:
        await connection.close(timeout=10)
    assert closing.round_trips == 1
    total = await far.counts()
    assert total.per_connection == {1: 10} and total.round_trips == 10
    assert (total.opened, total.open) == (1, 0)


async def test_round_trips_of_a_connection_without_a_password(far: Distant, own: OwnServer) -> None:
    async with far.counting() as connecting:
        arguments = {**far.arguments(), "user": own.trusted.user, "password": None}
        connection = await asyncpg.connect(**arguments)
    assert connecting.round_trips == 1
    await connection.close(timeout=10)


@pytest.mark.parametrize(
    ("options", "expected"), [({}, 2), ({"reset": no_reset}, 1)], ids=["reset", "no reset"]
)
async def test_round_trips_of_a_pooled_query(
    far: Distant, options: dict[str, Any], expected: int
) -> None:
    async with asyncpg.create_pool(**far.arguments(), min_size=1, max_size=1, **options) as pool:
        async with far.counting() as first:
            await pool.fetchval("SELECT count(*) FROM users")
        async with far.counting() as again:
            await pool.fetchval("SELECT count(*) FROM users")
    assert first.round_trips == expected + 1
    assert again.round_trips == expected


async def test_round_trips_are_counted_for_each_connection(far: Distant) -> None:
    one, two = [await asyncpg.connect(**far.arguments()) for _ in range(2)]
    async with far.counting() as seen:
        for _ in range(3):
            await one.execute("SELECT 1")
        await two.execute("SELECT 1")
    assert seen.per_connection == {1: 3, 2: 1} and seen.round_trips == 4
    one.terminate()
    two.terminate()


async def test_what_is_sent_in_one_go_is_one_round_trip(far: Distant, connection: Any) -> None:
    """A megabyte of rows goes out in many pieces, and asyncpg does not wait for the answer."""
    await connection.execute("CREATE TEMP TABLE much (text text)")
    await far.set_round_trip(0.5)
    async with far.trace() as recording, far.counting() as seen:
        await connection.copy_records_to_table("much", records=[("x" * 1000,)] * 1000)
    assert seen.round_trips == 2  # The columns' types; then COPY with all rows.
    _, copy = recording.trace.round_trips
    assert copy.asked[0] == "Query" and "CopyData" in copy.asked
    assert max(burst.size for burst in recording.trace.bursts) > 1_000_000


async def test_each_way_takes_half_the_round_trip_and_can_be_changed(
    far: Distant, connection: Any
) -> None:
    for seconds in (0.2, 0.05):
        await far.set_round_trip(seconds)
        async with far.trace() as recording:
            start = time.perf_counter()
            await connection.execute("SELECT 1")
            assert time.perf_counter() - start >= seconds
        ways = [burst.arrived - burst.sent for burst in recording.trace.bursts]
        assert len(ways) == 2 and min(ways) >= seconds / 2
        (trip,) = recording.trace.round_trips
        assert trip.end_ms - trip.start_ms >= seconds * 1000
        assert trip.there_ms <= trip.back_ms


async def test_the_delay_limits_neither_many_clients_nor_much_data(far: Distant) -> None:
    clients = [await asyncpg.connect(**far.arguments()) for _ in range(40)]
    await far.set_round_trip(0.2)

    async def ask_five_times(client: Any) -> None:
        for _ in range(5):
            await client.execute("SELECT 1")

    start = time.perf_counter()
    await asyncio.gather(*(ask_five_times(client) for client in clients))
    # 200 round trips of 0.2 s take 40 s one after the other, and 1 s at the same time.
    assert 1 <= time.perf_counter() - start < 20
    start = time.perf_counter()
    rows = await clients[0].fetch("SELECT repeat('x', 1000000) FROM generate_series(1, 30)")
    # At least 460 pieces of at most 64 KiB, each 0.1 s under way.
    assert len(rows) == 30 and time.perf_counter() - start < 20
    for client in clients:
        client.terminate()


async def test_nothing_is_lost_or_overtaken_however_much_is_under_way() -> None:
    """More than the proxy holds at once, while the distance shrinks from far to nothing."""
    blocks = [os.urandom(1_000_000) for _ in range(40)]
    async with something_else(echo, round_trip=0.4) as far:
        reader, writer = await asyncio.open_connection("127.0.0.1", far.server.port)

        async def send() -> None:
            for number, block in enumerate(blocks):
                writer.write(block)
                await writer.drain()
                if number == 5:
                    await far.set_round_trip(0)

        sending = asyncio.create_task(send())
        received = hashlib.sha256()
        for block in blocks:
            received.update(await asyncio.wait_for(reader.readexactly(len(block)), 30))
        await sending
        writer.close()
    assert received.digest() == hashlib.sha256(b"".join(blocks)).digest()


async def test_a_swallowed_reply_really_did_the_work(
    far: Distant, connection: Any, own: OwnServer
) -> None:
    await connection.execute("DROP TABLE IF EXISTS ordered; CREATE TABLE ordered (item text)")
    await far.swallow_next("INSERT 0 1")
    await connection.fetchval("SELECT 1")  # Another reply is left alone.
    with pytest.raises(ENDED):
        await connection.execute("INSERT INTO ordered VALUES ($1)", "coffee")
    assert (await far.counts()).swallowed == 1
    again = await asyncpg.connect(**far.arguments())
    assert await again.fetchval("SELECT array_agg(item) FROM ordered") == ["coffee"]
    await again.execute("INSERT INTO ordered VALUES ($1)", "tea")
    assert (await far.counts()).swallowed == 1
    await again.close(timeout=10)


async def test_a_reply_is_swallowed_also_when_it_comes_in_two_pieces() -> None:
    async def in_two_pieces(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"C....INSERT")
        await writer.drain()
        await reader.read(100)
        writer.write(b" 0 1.")

    async with something_else(in_two_pieces, round_trip=0) as far:
        await far.swallow_next(b"INSERT 0 1")
        reader, writer = await asyncio.open_connection("127.0.0.1", far.server.port)
        writer.write(b"go")
        assert await asyncio.wait_for(reader.read(100), 20) == b"C....INSERT"
        writer.write(b"on")
        assert await asyncio.wait_for(reader.read(100), 20) == b""
        assert (await far.counts()).swallowed == 1
        writer.close()


async def test_cut_connections_end_and_new_ones_can_be_made(far: Distant, connection: Any) -> None:
    waiting = asyncio.create_task(connection.execute("SELECT pg_sleep(30)"))
    await asyncio.sleep(0.05)
    assert await far.cut() == 1
    with pytest.raises(ENDED):
        await asyncio.wait_for(waiting, 20)
    assert (await far.counts()).open == 0 and await far.cut() == 0
    again = await asyncpg.connect(**far.arguments())
    assert await again.fetchval("SELECT 1") == 1
    await again.close(timeout=10)


async def test_in_silence_nothing_passes_and_afterwards_everything_does(
    far: Distant, connection: Any
) -> None:
    pid = connection.get_server_pid()
    await far.silent()
    answer = asyncio.create_task(connection.fetchval("SELECT pg_backend_pid()"))
    newcomer = asyncio.create_task(asyncpg.connect(**far.arguments()))
    _, waiting = await asyncio.wait({answer, newcomer}, timeout=0.5)
    assert waiting == {answer, newcomer}
    await far.speak()
    assert await asyncio.wait_for(answer, 20) == pid
    await (await asyncio.wait_for(newcomer, 20)).close(timeout=10)


async def test_a_trace_names_what_was_said(far: Distant) -> None:
    async with far.trace() as recording:
        with pytest.raises(LabError, match="when its `async with` block has ended"):
            print(recording.trace)
        connection = await asyncpg.connect(**far.arguments())
        await connection.fetch("SELECT * FROM users WHERE id <= $1", 100)
        await connection.close(timeout=10)
    trace = recording.trace
    assert trace.whole and not trace.encrypted
    assert [trip.label for trip in trace.round_trips] == [
        "StartupMessage",
        "SASLInitialResponse",
        "SASLResponse",
        "Parse, Describe, Flush: SELECT * FROM users WHERE id <= $1",
        "Bind, Execute, Sync",
        "Terminate",
    ]
    answers = [trip.answered for trip in trace.round_trips]
    assert answers[0] == ("AuthenticationSASL",)
    assert answers[2][:2] == ("AuthenticationSASLFinal", "AuthenticationOk")
    assert answers[2][-1] == "ReadyForQuery"
    assert answers[4] == ("BindComplete", "DataRow", "CommandComplete", "ReadyForQuery")
    (rows,) = [m for burst in trace.bursts for m in burst.messages if m.name == "DataRow"]
    assert rows.count == 100
    assert trace.bursts[-1].size == 0  # The server has closed.
    moments = [(trip.start_ms, trip.end_ms) for trip in trace.round_trips]
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(moments))


async def test_a_trace_of_connections_that_were_there_before(far: Distant, connection: Any) -> None:
    async with far.trace() as recording:
        await connection.execute("SELECT 7")
    assert [trip.label for trip in recording.trace.round_trips] == ["Query: SELECT 7"]
    async with far.trace() as nothing:
        pass
    assert nothing.trace.bursts == ()


async def test_an_encrypted_connection_is_counted_and_not_read(own: OwnServer) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    async with tls_relay(own.server, context) as relay:
        encrypted = Server(
            "127.0.0.1", relay.port, own.server.user, own.server.password, own.server.database,
            "own", ssl_mode="require",
        )  # fmt: skip
        async with distant(encrypted) as far, far.trace() as recording, far.counting() as seen:
            connection = await asyncpg.connect(**far.arguments())
            await connection.close(timeout=10)
            # The last words of TLS come after asyncpg's own.
            await until_all_have_ended(far)
    assert recording.trace.encrypted
    assert seen.round_trips == len(recording.trace.round_trips) > 4
    labels = [trip.label for trip in recording.trace.round_trips]
    assert labels[0] == "SSLRequest" and set(labels[1:]) == {"(encrypted)"}


async def test_a_server_that_is_down_is_not_reached(own: OwnServer) -> None:
    nobody = Server("127.0.0.1", 1, "lab", "", "lab", "own")
    async with distant(nobody) as far:
        with pytest.raises(ENDED):
            await asyncpg.connect(**far.arguments())


async def test_the_proxy_listens_on_loopback_only(far: Distant) -> None:
    listening = [
        connection.laddr
        for connection in psutil.Process(far.process.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == [("127.0.0.1", far.server.port)]


async def test_at_the_end_the_proxy_is_gone_and_its_connections_are_cut(own: OwnServer) -> None:
    async with distant(own.server) as far:
        connection = await asyncpg.connect(**far.arguments())
    assert not alive(far.process.pid)
    with pytest.raises(ENDED):
        await connection.execute("SELECT 1")


def test_a_killed_holder_leaves_no_proxy() -> None:
    root = Path(__file__).resolve().parents[2]
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, cwd=root)
    assert holder.stdout is not None
    pid = json.loads(holder.stdout.readline())["pid"]
    assert alive(pid)
    holder.kill()
    holder.wait(timeout=10)
    wait_until(lambda: not alive(pid), "the proxy ends")


async def test_a_killed_proxy_is_named_in_a_sentence(far: Distant) -> None:
    psutil.Process(far.process.pid).kill()
    for _ in range(2):
        with pytest.raises(LabError, match="proxy_process .* has ended"):
            await asyncio.wait_for(far.counts(), 20)


@pytest.mark.parametrize("seconds", [-0.001, 10.5, float("nan"), float("inf")])
async def test_an_impossible_distance_is_refused(
    far: Distant, own: OwnServer, seconds: float
) -> None:
    with pytest.raises(ValueError, match="It is in seconds"):
        await far.set_round_trip(seconds)
    with pytest.raises(ValueError, match="It is in seconds"):
        async with distant(own.server, seconds):
            pass


async def test_swallowing_nothing_is_refused(far: Distant) -> None:
    with pytest.raises(ValueError, match="marker is empty"):
        await far.swallow_next("")
