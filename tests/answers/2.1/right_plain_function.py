"""Right: one function that reads, checks and opens."""

import math

import asyncpg


async def open_pool(environ):
    def text(name, default):
        return environ.get(name) or default

    def number(name, default, kind):
        value = text(name, default)
        try:
            result = kind(value)
        except ValueError:
            raise ValueError(f"{name} has to be a number, not {value!r}") from None
        if math.isnan(result):
            raise ValueError(f"{name} has to be a number, not {value!r}")
        return result

    port = number("DB_PORT", "5432", int)
    min_size = number("DB_POOL_MIN_SIZE", "2", int)
    max_size = number("DB_POOL_MAX_SIZE", "5", int)
    seconds = number("DB_COMMAND_TIMEOUT", "30", float)
    if min_size > max_size:
        raise ValueError(f"DB_POOL_MIN_SIZE={min_size} is above DB_POOL_MAX_SIZE={max_size}")
    return await asyncpg.create_pool(
        host=text("DB_HOST", "localhost"),
        port=port,
        database=text("DB_NAME", "postgres"),
        user=text("DB_USER", "postgres"),
        password=text("DB_PASSWORD", ""),
        min_size=min_size,
        max_size=max_size,
        command_timeout=seconds,
    )


answer = open_pool
