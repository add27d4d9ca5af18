"""Right: the server itself ends a statement that takes too long (statement_timeout)."""

import asyncpg


class Environment:
    def __init__(self, environ):
        self.environ = environ

    def __call__(self, name, default, kind=str):
        value = self.environ.get(name, "")
        if value == "":
            return default
        try:
            number = kind(value)
            if number != number:
                raise ValueError
        except ValueError:
            raise ValueError(f"{name}={value!r} is no number") from None
        return number


async def open_pool(environ):
    get = Environment(environ)
    sizes = dict(min_size=get("DB_POOL_MIN_SIZE", 2, int), max_size=get("DB_POOL_MAX_SIZE", 5, int))
    seconds = get("DB_COMMAND_TIMEOUT", 30.0, float)
    port = get("DB_PORT", 5432, int)
    if sizes["min_size"] > sizes["max_size"]:
        raise ValueError(f"DB_POOL_MIN_SIZE and DB_POOL_MAX_SIZE do not fit: {sizes}")
    pool = asyncpg.create_pool(
        host=get("DB_HOST", "localhost"),
        port=port,
        database=get("DB_NAME", "postgres"),
        user=get("DB_USER", "postgres"),
        password=get("DB_PASSWORD", ""),
        server_settings={"statement_timeout": f"{max(1, round(min(seconds, 1e6) * 1000))}ms"},
        **sizes,
    )
    await pool
    return pool


answer = open_pool
