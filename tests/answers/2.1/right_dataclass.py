"""Right: a dataclass holds the settings, its metadata the names of the variables."""

from dataclasses import asdict, dataclass, field, fields

import asyncpg


def variable(name, default, kind):
    return field(default=default, metadata={"name": name, "kind": kind})


def positive(text):
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


@dataclass(frozen=True)
class Settings:
    host: str = variable("DB_HOST", "localhost", str)
    port: int = variable("DB_PORT", 5432, int)
    database: str = variable("DB_NAME", "postgres", str)
    user: str = variable("DB_USER", "postgres", str)
    password: str = variable("DB_PASSWORD", "", str)
    min_size: int = variable("DB_POOL_MIN_SIZE", 2, int)
    max_size: int = variable("DB_POOL_MAX_SIZE", 5, int)
    command_timeout: float = variable("DB_COMMAND_TIMEOUT", 30.0, positive)

    def __post_init__(self):
        if self.min_size > self.max_size:
            raise ValueError("DB_POOL_MIN_SIZE must not be larger than DB_POOL_MAX_SIZE")

    @classmethod
    def read(cls, environ):
        found = {}
        for each in fields(cls):
            name, kind = each.metadata["name"], each.metadata["kind"]
            if environ.get(name, "") == "":
                continue
            try:
                found[each.name] = kind(environ[name])
            except ValueError as error:
                raise ValueError(f"{name}: {environ[name]!r} is not usable") from error
        return cls(**found)


async def open_pool(environ):
    return await asyncpg.create_pool(**asdict(Settings.read(environ)))


answer = open_pool
