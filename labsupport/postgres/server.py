"""A server and what `asyncpg.connect` needs to reach it, with the password kept out of sight."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from labsupport.errors import LabError

__all__ = ["SSL_MODES", "ConnectionArguments", "Server"]

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


class ConnectionArguments(Mapping[str, Any]):
    """Keyword arguments for asyncpg: `asyncpg.connect(**arguments)`.

    Like a dictionary, but printing it shows no password.
    """

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._arguments = dict(arguments)

    def __getitem__(self, name: str) -> Any:
        return self._arguments[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arguments)

    def __len__(self) -> int:
        return len(self._arguments)

    def __repr__(self) -> str:
        shown = {
            name: "********" if name == "password" else value
            for name, value in self._arguments.items()
        }
        return f"ConnectionArguments({shown})"


@dataclass(frozen=True)
class Server:
    """Where a PostgreSQL server is and who we are there."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    """The database to connect to when no other is named."""
    where: Literal["embedded", "own", "DB_HOST"]
    """How this server was chosen."""
    ssl_mode: str = "disable"
    """One of libpq's `sslmode` values. The embedded server speaks no TLS."""
    ssl_ca: str = ""
    """File with the certificate authority that the `verify-` modes trust."""

    @property
    def address(self) -> str:
        """Host and port as a person writes them."""
        return f"{self.host}:{self.port}"

    def arguments(
        self, database: str | None = None, application_name: str = "connection-pooling-lab"
    ) -> ConnectionArguments:
        """Return keyword arguments for `asyncpg.connect` and `asyncpg.create_pool`.

        They carry limits, so that nothing waits for ever: 10 s to connect, 30 s for a command.
        """
        return ConnectionArguments(
            {
                "host": self.host,
                "port": self.port,
                "user": self.user,
                "password": self.password,
                "database": database or self.database,
                "ssl": self._ssl(),
                "timeout": 10.0,
                "command_timeout": 30.0,
                "server_settings": {"application_name": application_name},
            }
        )

    def variables(self, database: str | None = None) -> dict[str, str]:
        """Return the `DB_*` variables that mean this server, for the environment of a process.

        They hold the password; do not print them.
        """
        return {
            "DB_HOST": self.host,
            "DB_PORT": str(self.port),
            "DB_USER": self.user,
            "DB_PASSWORD": self.password,
            "DB_NAME": database or self.database,
            "DB_SSL_MODE": self.ssl_mode,
            **({"DB_SSL_CA": self.ssl_ca} if self.ssl_ca else {}),
        }

    def _ssl(self) -> bool | str | ssl.SSLContext:
        if self.ssl_mode == "disable":
            return False
        if not self.ssl_mode.startswith("verify-"):
            return self.ssl_mode
        try:
            context = ssl.create_default_context(cafile=self.ssl_ca or None)
        except (OSError, ssl.SSLError) as error:
            raise LabError(
                f"DB_SSL_CA is {self.ssl_ca!r}, and no certificate can be read from there. "
                "Name the file that holds the certificate authority of the server."
            ) from error
        context.check_hostname = self.ssl_mode == "verify-full"
        return context
