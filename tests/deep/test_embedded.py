"""Embedded servers side by side, one that was half made, and one that nobody uses."""

from __future__ import annotations

from pathlib import Path

from labsupport.postgres import (
    connect,
    embedded_status,
    ensure_embedded,
    inspect_server,
    stop_embedded,
)
from tests.homes import alive, temporary_home, wait_until
from tests.postgres.conftest import home

__all__ = ["home"]


async def test_it_stops_by_itself_only_after_its_last_session(home: Path) -> None:
    server = ensure_embedded(settings={"LAB_IDLE_SECONDS": "2"})
    status = embedded_status()[0]
    async with connect(server) as connection:
        await connection.fetchval("SELECT pg_sleep(4)")
        assert alive(status.server_pid)
    wait_until(lambda: not alive(status.server_pid), "the idle server stops")
    wait_until(lambda: not alive(status.supervisor_pid), "the supervisor ends")


def test_two_clones_have_two_servers(home: Path) -> None:
    one = ensure_embedded(settings={})
    with temporary_home():
        other = ensure_embedded(settings={})
        assert other.address != one.address
        assert other.arguments()["password"] != one.arguments()["password"]
    assert ensure_embedded(settings={}).address == one.address


async def test_the_other_major_version_can_be_chosen(home: Path) -> None:
    eighteen = ensure_embedded(settings={})
    sixteen = ensure_embedded(settings={"LAB_PG_VERSION": "16"})
    assert (await inspect_server(sixteen)).version_num // 10000 == 16
    assert (await inspect_server(eighteen)).version_num // 10000 == 18
    assert len(stop_embedded().stopped) == 2


def test_a_half_made_data_folder_is_made_anew(home: Path) -> None:
    half = home / "servers" / "18" / "server" / "data"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n", encoding="utf-8")
    for folder in (home / "servers", home / "servers" / "18"):
        folder.chmod(0o755)
    ensure_embedded(settings={})
    assert len(embedded_status()) == 1
