"""Settings of a database and its pool: `DB_*` variables, `.env`, and arguments in code.

An argument wins over the environment, and the environment over `.env`.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, Self, get_args
from urllib.parse import quote, urlencode

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import InitErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from .profiles import PROFILES, check_share
from .tls import SslMode, Tls
from .variables import find_file, read_variables
from .workload import ServerBudget

__all__ = ["DatabaseSettings", "PoolArguments", "SslMode"]


class PoolArguments(dict[str, Any]):
    """Keyword arguments as a dictionary; printing it shows no password.

    Nor does what `arguments.copy()` and `arguments | more` give. `{**arguments}` is an ordinary
    dictionary, which does: do not print that.
    """

    def __repr__(self) -> str:
        return repr({**self, "password": "********"} if "password" in self else dict(self))

    def copy(self) -> PoolArguments:
        """Return another such dictionary with the same content."""
        return PoolArguments(self)

    def __or__(self, others: Mapping[str, Any]) -> PoolArguments:  # type: ignore[override]
        return PoolArguments({**self, **others})


class DatabaseSettings(BaseSettings):
    """Where the database is, who we are there, and how the pool behaves. Times are in seconds.

    `DatabaseSettings()` reads the `DB_*` variables and `.env` of the working folder or the folder
    above. A wrong value raises `pydantic.ValidationError`, and a `.env` that cannot be read whole
    `pydantic_settings.SettingsError`; both are a `ValueError` and never show the password.
    Settings cannot be changed afterwards.
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
        variables = read_variables(type(self).model_fields, find_file(_env_file))
        try:
            super().__init__(**{**variables, **fields})
        except ValidationError as error:
            raise _without_input(error) from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *others: PydanticBaseSettingsSource,
        **more: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `__init__` has put together, and have nothing read besides."""
        return (init_settings,)

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
        self._tls().check()
        return self

    def _tls(self) -> Tls:
        return Tls(self.ssl_mode, self.ssl_ca, self.ssl_cert, self.ssl_key)

    def get_connection_string(self) -> str:
        """Return the address as a URL that asyncpg, psql and libpq's other users accept.

        It holds the password; do not print it. Raises `ValueError` for verify-full without
        `ssl_ca`: no URL has them all trust the operating system's authorities.
        """
        who = quote(self.user, safe="")
        if self.password.get_secret_value():
            who += ":" + quote(self.password.get_secret_value(), safe="")
        host = f"[{quote(self.host, safe=':')}]" if ":" in self.host else quote(self.host, safe="")
        query = urlencode(self._tls().url_options(), quote_via=quote)
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
            ssl=self._tls().argument(),
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

    @classmethod
    def development(
        cls, max_connections: int, processes: int = 1, *, reserved: int = 3, **changes: Any
    ) -> Self:
        """Return settings for a developer's machine: a small pool, patient with slow statements.

        See `production` for the arguments.
        """
        return cls._fitted(
            "development", ServerBudget(max_connections, reserved, processes), changes
        )

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
        return cls._fitted(
            "production", ServerBudget(max_connections, reserved, processes), changes
        )

    @classmethod
    def high_traffic(
        cls, max_connections: int, processes: int = 1, *, reserved: int = 3, **changes: Any
    ) -> Self:
        """Return settings for many short requests: up to 200 connections, 50 of them kept open.

        See `production` for the arguments.
        """
        return cls._fitted(
            "high traffic", ServerBudget(max_connections, reserved, processes), changes
        )

    @classmethod
    def _fitted(cls, name: str, server: ServerBudget, changes: dict[str, Any]) -> Self:
        """The profile of that name with its sizes cut to this process's share of the server."""
        profile = PROFILES[name]
        file = find_file(changes.get("_env_file", ".env"))
        given = {**read_variables(cls.model_fields, file), **changes}
        most = min(profile["pool_max_size"], server.per_process())
        settings = cls(**{**profile, "pool_max_size": most, "pool_min_size": 0, **given})
        check_share(settings.pool_max_size, server)
        if "pool_min_size" in given:
            return settings
        least = min(profile["pool_min_size"], settings.pool_max_size)
        return settings.model_copy(update={"pool_min_size": least})


def _without_input(error: ValidationError) -> ValidationError:
    """The same error without what was given, which its `errors()` would show: the password too."""
    lines = [
        InitErrorDetails(type=line["type"], loc=line["loc"], input=None, ctx=line.get("ctx", {}))
        for line in error.errors()
    ]
    return ValidationError.from_exception_data(error.title, lines, hide_input=True)
