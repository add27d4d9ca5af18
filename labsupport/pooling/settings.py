"""Settings of a database and its pool: `DB_*` variables, `.env`, and arguments in code.

An argument wins over the environment, and the environment over `.env`.
"""

from __future__ import annotations

import ssl
from os import PathLike, environ
from pathlib import Path
from typing import Any, Literal, Self, get_args
from urllib.parse import quote, urlencode

from dotenv import dotenv_values
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from .sizing import ServerBudget

__all__ = ["DatabaseSettings", "DatabaseVariables", "PoolArguments", "SslMode"]

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
"""libpq's names. Up to `prefer` may be plain text; only the `verify-` modes check the server."""

ENCRYPTED = ("require", "verify-ca", "verify-full")
VERIFIED = ("verify-ca", "verify-full")


class PoolArguments(dict[str, Any]):
    """Keyword arguments as a dictionary; printing it shows no password."""

    def __repr__(self) -> str:
        return repr({**self, "password": "********"} if "password" in self else dict(self))


class DatabaseVariables(PydanticBaseSettingsSource):
    """Reads `DB_HOST` for `host` and so on: the environment first, then `.env`.

    pydantic-settings reads `.env` itself, but replaces `${...}` in it; a password has to arrive as
    it is written. `database` is read from `DB_NAME`, as PostgreSQL programs call it.
    """

    def __init__(self, settings_cls: type[BaseSettings], env_file: Path | None) -> None:
        super().__init__(settings_cls)
        written = dotenv_values(env_file, encoding="utf-8", interpolate=False) if env_file else {}
        self.values = {**{name: value or "" for name, value in written.items()}, **environ}

    @staticmethod
    def name_of(field_name: str) -> str:
        """Return the variable for a field: `DB_POOL_MAX_SIZE` for `pool_max_size`."""
        return "DB_NAME" if field_name == "database" else f"DB_{field_name.upper()}"

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value of a field, or None, in the form that pydantic-settings asks for."""
        return self.values.get(self.name_of(field_name)), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the fields that are set."""
        found = {
            name: self.values.get(self.name_of(name)) for name in self.settings_cls.model_fields
        }
        return {name: value for name, value in found.items() if value is not None}


class DatabaseSettings(BaseSettings):
    """Where the database is, who we are there, and how the pool behaves. Times are in seconds.

    `DatabaseSettings()` reads the `DB_*` variables and `.env` of the working folder or the folder
    above. A wrong value raises `pydantic.ValidationError`, a kind of `ValueError`, which never
    shows the password. Settings cannot be changed afterwards.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = "localhost"
    """Name, address or folder of the server's socket. Blank means localhost."""
    port: int = 5432
    database: str = Field(default="postgres", min_length=1)
    """Its variable is `DB_NAME`."""
    user: str = Field(default="postgres", min_length=1)
    password: SecretStr = SecretStr("")
    """Empty means none: PostgreSQL's own ways, PGPASSWORD and the password file, still count."""
    application_name: str = "my_app"
    """What `pg_stat_activity` shows for the pool's connections."""

    pool_min_size: int = Field(default=5, ge=0)
    pool_max_size: int = Field(default=20, ge=1)
    pool_max_queries: int = Field(default=10_000, ge=1)
    pool_max_inactive_lifetime: float = Field(default=300.0, ge=0, allow_inf_nan=False)

    command_timeout: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    """Limit for one statement, kept by the client; the server's own is 5 % shorter."""
    connect_timeout: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    """Limit for opening one connection."""
    acquire_timeout: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    """Limit for waiting for a connection of the pool."""

    ssl_mode: SslMode = "prefer"
    ssl_ca: str = ""
    """File with the authority that must have signed the server's certificate."""
    ssl_cert: str = ""
    """File with our own certificate, for servers that ask for one."""
    ssl_key: str = ""
    """File with its key; needed unless the certificate's file holds it."""

    def __init__(self, _env_file: str | PathLike[str] | None = ".env", **fields: Any) -> None:
        """Take fields by name; `_env_file` names another file, and None means no file."""
        super().__init__(_env_file=_find(_env_file), **fields)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read arguments, then the variables in our own way; see `DatabaseVariables`."""
        assert isinstance(dotenv_settings, DotEnvSettingsSource)
        file = dotenv_settings.env_file
        return init_settings, DatabaseVariables(
            settings_cls, file if isinstance(file, Path) else None
        )

    @field_validator("host", mode="after")
    @classmethod
    def _blank_host_is_localhost(cls, host: str) -> str:
        return host.strip() or "localhost"

    @field_validator("port", mode="before")
    @classmethod
    def _check_port(cls, port: object) -> int:
        text = str(port).strip()
        if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
            return int(text)
        raise ValueError(
            f"DB_PORT is {port!r}, which is no port number. Write a whole number from 1 to 65535 "
            "(PostgreSQL's usual one is 5432)."
        )

    @field_validator("ssl_mode", mode="before")
    @classmethod
    def _check_ssl_mode(cls, mode: object) -> object:
        if mode in get_args(SslMode):
            return mode
        raise ValueError(f"DB_SSL_MODE is {mode!r}. Write one of: {', '.join(get_args(SslMode))}.")

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        if self.pool_min_size > self.pool_max_size:
            raise ValueError(
                f"pool_min_size is {self.pool_min_size} and pool_max_size {self.pool_max_size}: "
                "a pool cannot keep more connections than it may have. Set both."
            )
        return self

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        if self.ssl_ca and self.ssl_mode not in VERIFIED:
            raise ValueError(
                f"DB_SSL_CA is set, but DB_SSL_MODE {self.ssl_mode} does not check the server's "
                "certificate. Write verify-full, or leave DB_SSL_CA empty."
            )
        if self.ssl_mode == "verify-ca" and not self.ssl_ca:
            raise ValueError(
                "DB_SSL_MODE verify-ca without DB_SSL_CA would trust every server that has a "
                "public certificate. Name the authority in DB_SSL_CA, or write verify-full."
            )
        if (self.ssl_cert or self.ssl_key) and self.ssl_mode not in ENCRYPTED:
            raise ValueError(
                f"DB_SSL_CERT and DB_SSL_KEY need TLS, and DB_SSL_MODE is {self.ssl_mode}. Write "
                "verify-full, or leave them empty."
            )
        if self.ssl_key and not self.ssl_cert:
            raise ValueError("DB_SSL_KEY is set without DB_SSL_CERT. Name both files.")
        return self

    def get_connection_string(self) -> str:
        """Return the address as a URL that asyncpg, psql and libpq's other users accept.

        It holds the password; do not print it. With verify-full and no `ssl_ca`, programs that use
        libpq look for the authority in their own file, and refuse the server when it is not there.
        """
        who = quote(self.user, safe="")
        if self.password.get_secret_value():
            who += ":" + quote(self.password.get_secret_value(), safe="")
        host = f"[{quote(self.host, safe=':')}]" if ":" in self.host else quote(self.host, safe="")
        options = {"sslmode": self.ssl_mode, "sslrootcert": self.ssl_ca, "sslcert": self.ssl_cert}
        if self.ssl_cert:
            options["sslkey"] = self.ssl_key or self.ssl_cert
        query = urlencode(
            {name: value for name, value in options.items() if value}, quote_via=quote
        )
        return f"postgresql://{who}@{host}:{self.port}/{quote(self.database, safe='')}?{query}"

    def get_pool_kwargs(self) -> PoolArguments:
        """Return all keyword arguments for `asyncpg.create_pool`; they need no URL beside them.

        The acquire limit is not among them: asyncpg takes it with each `acquire`.
        Raises `ValueError` when a certificate cannot be read.
        """
        return PoolArguments(
            host=self.host,
            port=self.port,
            database=self.database,
            user=self.user,
            password=self.password.get_secret_value() or None,
            ssl=self._ssl(),
            timeout=self.connect_timeout,
            command_timeout=self.command_timeout,
            min_size=self.pool_min_size,
            max_size=self.pool_max_size,
            max_queries=self.pool_max_queries,
            max_inactive_connection_lifetime=self.pool_max_inactive_lifetime,
            server_settings=self._server_settings(),
        )

    def get_initialize_kwargs(self) -> PoolArguments:
        """Return all keyword arguments for `DatabasePool.initialize`, limits included."""
        arguments = self.get_pool_kwargs()
        return PoolArguments(
            {name: value for name, value in arguments.items() if name != "timeout"},
            password=self.password.get_secret_value(),
            connect_timeout=self.connect_timeout,
            acquire_timeout=self.acquire_timeout,
        )

    def _server_settings(self) -> dict[str, str]:
        """Settings of each session; PostgreSQL goes back to them at every release."""
        # A little less than the client's limit: the server ends a statement more cleanly, and
        # says which limit it was. 0 would mean no limit.
        milliseconds = max(1, int(self.command_timeout * 950))
        return {
            "application_name": self.application_name,
            "timezone": "UTC",
            "statement_timeout": str(milliseconds),
        }

    def _ssl(self) -> bool | str | ssl.SSLContext:
        """What asyncpg's `ssl` argument must be so that the mode does what its name says."""
        if self.ssl_mode == "disable":
            return False
        if self.ssl_mode not in ENCRYPTED:
            return self.ssl_mode  # asyncpg tries both ways, which no context can say.
        try:
            context = ssl.create_default_context(cafile=self.ssl_ca or None)
        except (OSError, ssl.SSLError) as error:
            raise ValueError(
                f"DB_SSL_CA is {self.ssl_ca!r}, and no certificate can be read from there. "
                "Name the file that holds the certificate authority of the server."
            ) from error
        context.check_hostname = self.ssl_mode == "verify-full"
        if self.ssl_mode == "require":
            context.verify_mode = ssl.CERT_NONE
        if self.ssl_cert:
            try:
                context.load_cert_chain(self.ssl_cert, self.ssl_key or None, password="")
            except (OSError, ssl.SSLError) as error:
                raise ValueError(
                    f"DB_SSL_CERT is {self.ssl_cert!r} and DB_SSL_KEY {self.ssl_key!r}, and no "
                    "certificate with its key (one without a passphrase) can be read from there."
                ) from error
        return context

    @classmethod
    def development(
        cls, max_connections: int, processes: int = 1, *, reserved: int = 3, **changes: Any
    ) -> Self:
        """Return settings for a developer's machine: a small pool, patient with slow statements.

        See `production` for the arguments.
        """
        profile = {"pool_min_size": 2, "pool_max_size": 10, "pool_max_queries": 1_000}
        profile |= {"command_timeout": 60}
        return cls._fitted(profile, ServerBudget(max_connections, reserved, processes), changes)

    @classmethod
    def production(
        cls, max_connections: int, processes: int = 1, *, reserved: int = 3, **changes: Any
    ) -> Self:
        """Return settings for a service: up to 100 connections, if the server has them.

        `max_connections` is the server's setting, `reserved` how many of them others use, and
        `processes` how many processes have such a pool; each pool takes at most
        (max_connections - reserved) / processes. `changes` are fields by name. A field that is
        given, or set by its variable, wins over the profile.

        Raises `ValueError` when a size that is given is above that share, or nothing is left.
        """
        profile = {"pool_min_size": 10, "pool_max_size": 100, "pool_max_queries": 50_000}
        profile |= {"pool_max_inactive_lifetime": 600, "command_timeout": 30}
        return cls._fitted(profile, ServerBudget(max_connections, reserved, processes), changes)

    @classmethod
    def high_traffic(
        cls, max_connections: int, processes: int = 1, *, reserved: int = 3, **changes: Any
    ) -> Self:
        """Return settings for many short requests: up to 200 connections, 50 of them kept open.

        See `production` for the arguments.
        """
        profile = {"pool_min_size": 50, "pool_max_size": 200, "pool_max_queries": 100_000}
        profile |= {"pool_max_inactive_lifetime": 300, "command_timeout": 15}
        return cls._fitted(profile, ServerBudget(max_connections, reserved, processes), changes)

    @classmethod
    def _fitted(
        cls, profile: dict[str, int], server: ServerBudget, changes: dict[str, Any]
    ) -> Self:
        """The profile with its sizes cut to this process's share of the server."""
        share = server.per_process()
        variables = DatabaseVariables(cls, _find(changes.get("_env_file", ".env")))
        given = {**variables(), **changes}
        cut = {"pool_max_size": min(profile["pool_max_size"], share), "pool_min_size": 0}
        settings = cls(**{**profile, **cut, **given})
        if settings.pool_max_size > share:
            raise ValueError(
                f"pool_max_size is {settings.pool_max_size}, and a server with max_connections "
                f"{server.max_connections}, {server.reserved} of them reserved, has {share} for "
                f"each of {server.processes} processes. Choose {share} or less."
            )
        if "pool_min_size" in given:
            return settings
        least = min(profile["pool_min_size"], settings.pool_max_size)
        return settings.model_copy(update={"pool_min_size": least})


def _find(env_file: str | PathLike[str] | None) -> Path | None:
    """The file, in the working folder or the one above it; None when there is none."""
    if env_file is None:
        return None
    name = Path(env_file).expanduser()
    found = next((file for file in (name, Path.cwd().parent / name) if file.is_file()), None)
    if found is not None:
        try:
            found.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            text = f"{found} cannot be read ({error}). Save it as UTF-8 text."
            raise SettingsError(text) from error
    return found
