"""The tests of this folder run on the server that was asked for."""

from __future__ import annotations

from typing import Any

from labsupport.postgres import Server
from tests.pooling.conftest import CHOSEN, DB_SETTINGS, MAJORS

VERSION = "SELECT current_setting('server_version_num')::int / 10000"


async def test_the_server_is_the_one_that_was_asked_for(server: Server, onlooker: Any) -> None:
    if CHOSEN == "named":
        assert (server.where, server.host) == ("DB_HOST", DB_SETTINGS["DB_HOST"])
    else:
        assert server.where == "embedded"
        assert await onlooker.fetchval(VERSION) == int(CHOSEN or MAJORS[-1])
