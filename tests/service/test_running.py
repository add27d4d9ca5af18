"""The service as a process: what it is told, how it refuses to start, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from typing import Any

import asyncpg
import psutil
import pytest

from labsupport.errors import LabError
from labsupport.places import project_root
from labsupport.pooling import DatabaseSettings
from labsupport.ports import free_port
from labsupport.postgres import OwnServer
from labsupport.service import Service, Shop, run_service
from tests.homes import alive, wait_until

HOLDER = """
import asyncio, json, sys
from labsupport.postgres import Server
from labsupport.service import run_service

async def hold(server):
    async with run_service(server) as service:
        print(service.pid, flush=True)
        await asyncio.sleep(120)

asyncio.run(hold(Server(**json.loads(sys.stdin.readline()))))
"""


class Shouting(Shop):
    """A shop as a participant writes it."""

    async def user(self, user_id: int) -> dict[str, Any] | None:
        found = await super().user(user_id)
        return found and {**found, "name": found["name"].upper()}


async def test_two_services_run_side_by_side_each_with_its_own_class(
    own: OwnServer, service: Service
) -> None:
    async with run_service(own.server, shop=Shouting, DB_POOL_MAX_SIZE=4) as other:
        quiet, loud = await service.ask("GET", "/users/3"), await other.ask("GET", "/users/3")
        assert loud["name"] == quiet["name"].upper() != quiet["name"]
        assert (await other.pool())["max_size"] == 4
        assert (await service.pool())["max_size"] == 2
        assert other.address != service.address
    assert not alive(other.pid)
    assert (await service.ask("GET", "/users/3")) == quiet


async def test_no_variable_of_the_notebook_reaches_the_service(
    own: OwnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_HOST", "nowhere.invalid")
    monkeypatch.setenv("DB_POOL_MAX_SIZE", "3")
    # A proxy is for the world outside; this one does not even listen.
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with run_service(own.server) as service:
        assert (await service.pool())["max_size"] == 20
        assert (await service.ask("GET", "/users/1"))["id"] == 1


def test_it_listens_on_this_machine_only(running: Service) -> None:
    listening = {
        connection.laddr.ip
        for connection in psutil.Process(running.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


async def test_a_service_is_known_to_the_server_by_its_name(own: OwnServer) -> None:
    connection = await asyncpg.connect(**own.arguments())
    try:
        async with run_service(own.server, DB_APPLICATION_NAME="till", DB_POOL_MIN_SIZE=2):
            names = await connection.fetch("SELECT application_name FROM pg_stat_activity")
            assert [row[0] for row in names].count("till") == 2
    finally:
        await connection.close()


async def refusal(own: OwnServer, **variables: object) -> str:
    """The sentence with which the service does not start; it holds no password and one line."""
    with pytest.raises(LabError) as refused:
        async with run_service(own.server, **variables):  # type: ignore[arg-type]
            pass
    said = str(refused.value)
    assert "\n" not in said
    assert own.server.password not in said
    return said


async def test_a_wrong_value_is_named_by_its_variable(own: OwnServer) -> None:
    said, sizes = await asyncio.gather(
        refusal(own, DB_POOL_MAX_SIZE="many", DB_NAME=""),
        refusal(own, DB_POOL_MIN_SIZE=9, DB_POOL_MAX_SIZE=5),
    )
    assert "DB_POOL_MAX_SIZE: Input should be a valid integer" in said
    assert "DB_NAME: " in said
    assert sizes.endswith("Set both.") and "pool_min_size is 9 and pool_max_size 5" in sizes


async def test_a_slip_in_a_variable_is_refused_before_anything_starts(own: OwnServer) -> None:
    said = await refusal(own, DB_POOL_MAXSIZE=5)
    assert said.startswith("The service reads no variable DB_POOL_MAXSIZE.")
    assert "DB_POOL_MAX_SIZE" in said and "DB_NAME" in said


async def test_a_database_that_is_not_there_is_one_sentence(own: OwnServer) -> None:
    missing, closed = await asyncio.gather(
        refusal(own, DB_NAME="nowhere", DB_POOL_MIN_SIZE=1),
        refusal(own, DB_PORT=free_port(), DB_POOL_MIN_SIZE=1),
    )
    assert 'database "nowhere" does not exist' in missing
    assert closed.startswith("The service did not start: ")


async def test_a_wrong_password_stands_nowhere(own: OwnServer) -> None:
    said = await refusal(own, DB_PASSWORD="a wrong secret", DB_POOL_MIN_SIZE=1)
    assert "password authentication failed" in said and "a wrong secret" not in said
    wrong = replace(own.server, password="a wrong secret")
    async with run_service(wrong) as service:
        answer = await service.client.get("/users/1")
        assert answer.status_code >= 500
        log = "\n".join(service.log())
    assert "/users/1 answered with" in log
    assert "a wrong secret" not in log + answer.text + repr(service)


class NoShop:
    """Takes settings and can do nothing."""

    def __init__(self, settings: DatabaseSettings) -> None:
        """Keep nothing."""


class Breaking(Shop):
    """A shop that cannot be opened."""

    async def open(self) -> None:
        raise TimeoutError


async def test_a_class_that_is_no_shop_is_one_sentence(own: OwnServer) -> None:
    said = await asyncio.gather(*(refusal(own, shop=kind) for kind in (NoShop, object, Breaking)))
    assert said == [
        "The service did not start: AttributeError: 'NoShop' object has no attribute 'open'",
        "The service did not start: TypeError: object() takes no arguments",
        "The service did not start: TimeoutError: the limit was reached",
    ]


async def test_a_class_that_cannot_be_sent_is_one_sentence(own: OwnServer) -> None:
    lock = threading.Lock()

    class Locked(Shop):
        """Needs a lock of this process."""

        def locked(self) -> bool:
            return lock.locked()

    said = await refusal(own, shop=Locked)
    assert said.startswith("Locked cannot be sent to the service's process")


async def test_a_shop_under_load_ends_without_its_long_queries(own: OwnServer) -> None:
    began = time.monotonic()
    async with run_service(own.server, limit=60, DB_POOL_MAX_SIZE=2) as service:
        asked = [
            asyncio.create_task(service.ask("GET", "/report", params={"seconds": 60}))
            for _ in range(6)
        ]
        async with asyncio.timeout(20):
            while (await service.pool())["queue_size"] < 4:
                await asyncio.sleep(0.05)
    await asyncio.gather(*asked, return_exceptions=True)
    assert not alive(service.pid)
    assert time.monotonic() - began < 55, "it waited for the queries of a minute"
    connection = await asyncpg.connect(**own.arguments())
    try:
        async with asyncio.timeout(20):
            while await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' "
                "AND pid <> pg_backend_pid() AND state = 'active'"
            ):
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


def test_the_service_ends_when_its_holder_is_killed(own: OwnServer) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=project_root(),
        text=True,
    )
    with contextlib.ExitStack() as cleaning:
        cleaning.enter_context(holder)
        cleaning.callback(holder.kill)
        assert holder.stdin is not None and holder.stdout is not None
        print(json.dumps(asdict(own.server)), file=holder.stdin, flush=True)
        pid = int(holder.stdout.readline())
        assert alive(pid)
        holder.kill()
        wait_until(lambda: not alive(pid), "the service has ended after its holder")
