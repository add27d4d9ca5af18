"""A room for a test: a server, and participants at it who all do the same thing at once."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from labsupport.postgres import OwnServer, Server, connect
from tests.workshop.participant import main

__all__ = ["Looker", "Participants", "as_superuser"]

HERE_LIMIT = 240
LOOK_EVERY = 0.1
SESSIONS = """
    SELECT usename AS role, count(*) AS sessions FROM pg_stat_activity
    WHERE usename LIKE 'workshop\\_%' GROUP BY usename
"""


def as_superuser(own: OwnServer) -> Server:
    """The server as an instructor knows it who is its superuser, and as `DB_HOST` names it."""
    password = own.cluster.passwords()["superuser"]
    return replace(
        own.server, user="postgres", password=password, database="postgres", where="DB_HOST"
    )


class Participants:
    """Processes that stand for people: each with a home and a temporary folder of its own."""

    def __init__(self, files: list[Path], folder: Path, seconds: float) -> None:
        self._go = folder / "go"
        # A server process imports everything once; participants are copies of it.
        kind = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
        context = get_context(kind)
        context.set_forkserver_preload(["tests.workshop.participant"])
        self._processes: dict[str, BaseProcess] = {}
        for file in files:
            home = folder / file.stem
            home.mkdir()
            arguments = (file, home, self._go, seconds)
            process = context.Process(target=main, args=arguments)  # type: ignore[attr-defined]
            process.start()
            self._processes[file.stem] = process

    def said(self, name: str) -> str:
        """What a participant has printed."""
        path = self._go.parent / name / "said.txt"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def wait_until_all_are_here(self) -> None:
        """Wait until everybody has started."""
        deadline = time.monotonic() + HERE_LIMIT
        while not all(self.said(name).strip() for name in self._processes):
            assert time.monotonic() < deadline, "they do not start"
            time.sleep(0.1)

    def go(self) -> None:
        """Let all begin at the same moment."""
        self._go.touch()

    def end(self, limit: float) -> dict[str, int | None]:
        """Wait for everybody and return their exit codes; None for who does not end."""
        deadline = time.monotonic() + limit
        for process in self._processes.values():
            process.join(timeout=max(0, deadline - time.monotonic()))
        return {name: process.exitcode for name, process in self._processes.items()}

    def outcome(self, name: str) -> dict[str, Any]:
        """What a participant saw: the last line that it printed."""
        last: dict[str, Any] = json.loads(self.said(name).splitlines()[-1])
        return last

    def kill(self) -> None:
        """End whoever still runs."""
        for process in self._processes.values():
            process.kill()
            process.join(timeout=20)


@dataclass
class Looker:
    """Looks at the server again and again, as an instructor would."""

    server: Server
    most_of_one: Counter[str] = field(default_factory=Counter)
    """The most sessions that each participant was seen with."""
    most_of_all: int = 0
    most_at_once: int = 0
    """The most participants who had a session at the same moment."""

    async def look(self, ended: asyncio.Event) -> None:
        """Look until `ended` is set."""
        async with connect(self.server) as connection:
            while not ended.is_set():
                rows = await connection.fetch(SESSIONS)
                for row in rows:
                    self.most_of_one[row["role"]] = max(
                        self.most_of_one[row["role"]], row["sessions"]
                    )
                self.most_of_all = max(self.most_of_all, sum(row["sessions"] for row in rows))
                self.most_at_once = max(self.most_at_once, len(rows))
                await asyncio.sleep(LOOK_EVERY)
