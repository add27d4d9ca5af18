"""Exercise 2.1: a pool as the environment says."""

import asyncpg

__all__ = ["open_pool"]


async def open_pool(environ):
    """Open a pool as the DB_* variables in `environ` say."""

    def read(name, default, turn_into=str):
        text = environ.get(name) or default
        try:
            return turn_into(text)
        except ValueError:
            raise ValueError(f"{name} is {text!r}, which is no {turn_into.__name__}.") from None

    low = read("DB_POOL_MIN_SIZE", "2", int)
    high = read("DB_POOL_MAX_SIZE", "5", int)
    if low > high:
        raise ValueError(f"DB_POOL_MIN_SIZE is {low}, above DB_POOL_MAX_SIZE, which is {high}.")
    # Each part is passed on its own: in a text such as postgresql://user:password@host,
    # a password with "@" or "/" in it would have to be quoted.
    return await asyncpg.create_pool(
        host=read("DB_HOST", "localhost"),
        port=read("DB_PORT", "5432", int),
        database=read("DB_NAME", "postgres"),
        user=read("DB_USER", "postgres"),
        password=read("DB_PASSWORD", ""),
        min_size=low,
        max_size=high,
        command_timeout=read("DB_COMMAND_TIMEOUT", "30", float),
    )
