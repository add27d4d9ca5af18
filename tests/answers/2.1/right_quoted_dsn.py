"""Right: a quoted DSN, and the password beside it."""

from urllib.parse import quote

import asyncpg

DEFAULTS = {
    "DB_HOST": "localhost",
    "DB_PORT": "5432",
    "DB_NAME": "postgres",
    "DB_USER": "postgres",
    "DB_PASSWORD": "",
    "DB_POOL_MIN_SIZE": "2",
    "DB_POOL_MAX_SIZE": "5",
    "DB_COMMAND_TIMEOUT": "30",
}
NUMBERS = {
    "DB_PORT": int,
    "DB_POOL_MIN_SIZE": int,
    "DB_POOL_MAX_SIZE": int,
    "DB_COMMAND_TIMEOUT": float,
}


def read(environ):
    values = DEFAULTS | {name: environ[name] for name in DEFAULTS if environ.get(name)}
    for name, kind in NUMBERS.items():
        try:
            values[name] = kind(values[name])
        except ValueError as error:
            raise ValueError(f"{name} is not a number: {error}") from None
    if values["DB_COMMAND_TIMEOUT"] != values["DB_COMMAND_TIMEOUT"]:
        raise ValueError("DB_COMMAND_TIMEOUT is not a number")
    if values["DB_POOL_MIN_SIZE"] > values["DB_POOL_MAX_SIZE"]:
        raise ValueError("DB_POOL_MIN_SIZE is larger than DB_POOL_MAX_SIZE")
    return values


async def open_pool(environ):
    values = read(environ)
    host, user, name = (quote(values[key], safe="") for key in ("DB_HOST", "DB_USER", "DB_NAME"))
    return await asyncpg.create_pool(
        f"postgresql://{user}@/{name}?host={host}&port={values['DB_PORT']}",
        password=values["DB_PASSWORD"],  # An empty one in the DSN would count as none.
        min_size=values["DB_POOL_MIN_SIZE"],
        max_size=values["DB_POOL_MAX_SIZE"],
        command_timeout=values["DB_COMMAND_TIMEOUT"],
    )


answer = open_pool
