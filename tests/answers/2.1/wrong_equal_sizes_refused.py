"""Wrong: two sizes that are equal do not fit. Says: sizes are compared."""

import asyncpg


def number(environ, name, default, kind):
    value = environ.get(name) or default
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"{name} has to be a number, not {value!r}") from None


async def open_pool(environ):
    port = number(environ, "DB_PORT", "5432", int)
    min_size = number(environ, "DB_POOL_MIN_SIZE", "2", int)
    max_size = number(environ, "DB_POOL_MAX_SIZE", "5", int)
    command_timeout = number(environ, "DB_COMMAND_TIMEOUT", "30", float)
    if min_size >= max_size:
        raise ValueError("DB_POOL_MIN_SIZE is above DB_POOL_MAX_SIZE")
    return await asyncpg.create_pool(
        host=environ.get("DB_HOST") or "localhost",
        port=port,
        database=environ.get("DB_NAME") or "postgres",
        user=environ.get("DB_USER") or "postgres",
        password=environ.get("DB_PASSWORD") or "",
        min_size=min_size,
        max_size=max_size,
        command_timeout=command_timeout,
    )


answer = open_pool
