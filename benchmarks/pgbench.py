"""Run PostgreSQL's own benchmark program for a second or more, and read what it says."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labsupport.postgres import Server, read_settings
from labsupport.postgres.binaries import find_binaries

__all__ = ["PgBench", "pgbench"]

SPARE_SECONDS = 30


@dataclass(frozen=True)
class PgBench:
    """pgbench with one query as its script, on one server."""

    server: Server
    script: Path

    def run(self, clients: int, threads: int, seconds: int, connect_each_time: bool) -> float:
        """Return transactions per second; a transaction is one run of the query.

        It prepares the query once for each connection, as asyncpg does. Without
        `connect_each_time` the time to connect at the beginning is left out. Raises RuntimeError
        with what pgbench said when it fails.
        """
        command = [
            find_binaries(read_settings()).program("pgbench"),
            "--no-vacuum", "--protocol=prepared", f"--file={self.script}",
            f"--client={clients}", f"--jobs={threads}", f"--time={seconds}",
            f"--host={self.server.host}", f"--port={self.server.port}",
            f"--username={self.server.user}",
            *(["--connect"] if connect_each_time else []), self.server.database,
        ]  # fmt: skip
        done = subprocess.run(
            command,
            env={**os.environ, "PGPASSWORD": self.server.password},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=seconds + SPARE_SECONDS,
            check=False,
        )
        found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
        if done.returncode != 0 or found is None:
            raise RuntimeError(f"pgbench failed: {done.stderr.strip() or done.stdout.strip()}")
        return float(found[1])

    async def rate(
        self, clients: int, threads: int, seconds: int = 1, connect_each_time: bool = False
    ) -> float:
        """The same as `run`, while the event loop goes on."""
        return await asyncio.to_thread(self.run, clients, threads, seconds, connect_each_time)


@contextlib.contextmanager
def pgbench(server: Server, query: str) -> Iterator[PgBench]:
    """pgbench for `query`, whose script is there for the time of the block."""
    with tempfile.TemporaryDirectory(prefix="lab-pgbench-") as folder:
        script = Path(folder) / "query.sql"
        script.write_text(query.rstrip("; \n") + ";\n", encoding="utf-8")
        yield PgBench(server, script)
