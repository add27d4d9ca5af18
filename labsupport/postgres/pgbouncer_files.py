"""The two files that PgBouncer reads when it starts: its settings, and who may log in.

The formats are those of "pgbouncer.ini" and "Authentication file format" in PgBouncer's manual.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from labsupport.postgres.server import Server

__all__ = ["LOG", "SETTINGS", "USERS", "settings_text", "users_text"]

SETTINGS, USERS, LOG = "pgbouncer.ini", "userlist.txt", "pgbouncer.log"

LIMITS = {
    "query_wait_timeout": "30",
    "client_login_timeout": "15",
    "server_connect_timeout": "10",
    "server_login_retry": "1",
}
"""Seconds: what a request may wait for a session of the server, and how long a login may take."""


def settings_text(server: Server, folder: Path, port: int, settings: Mapping[str, str]) -> str:
    """Return the text of `pgbouncer.ini` for a PgBouncer in front of all databases of `server`.

    It listens on `port` of loopback; its other files lie in `folder`. `settings` are further lines
    of the section `[pgbouncer]`, such as `pool_mode`. Raises ValueError for a line break in one.
    """
    ours = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "scram-sha-256",
        "auth_file": str(folder / USERS),
        "logfile": str(folder / LOG),
        "server_tls_sslmode": server.ssl_mode,
        **({"server_tls_ca_file": server.ssl_ca} if server.ssl_ca else {}),
        **LIMITS,
    }
    lines = [
        "[databases]",
        f"* = host={_quoted(server.host)} port={server.port}",
        "",
        "[pgbouncer]",
        *(f"{name} = {value}" for name, value in {**ours, **settings}.items()),
    ]
    for line in lines:
        if len(line.splitlines()) > 1:
            raise ValueError("A setting of PgBouncer is one line, and this one has a line break.")
    return "\n".join(lines) + "\n"


def users_text(server: Server) -> str:
    """Return the text of `userlist.txt`, which lets the role of `server` in.

    The password stands there as it is: PgBouncer logs in to the server with it, for which SCRAM
    needs the password itself. Raises ValueError for what the file cannot hold.
    """
    return f"{_doubled(server.user)} {_doubled(server.password)}\n"


def _quoted(value: str) -> str:
    """A value of a connection string."""
    return "'" + value.replace("'", "''") + "'"


def _doubled(value: str) -> str:
    """A field of the list of users: between double quotes, with those inside it doubled."""
    if not value or "\0" in value:
        raise ValueError(
            "PgBouncer needs a role and a password, neither empty nor with a zero byte."
        )
    return '"' + value.replace('"', '""') + '"'
