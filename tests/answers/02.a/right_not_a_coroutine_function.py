"""Right: hands on what create_pool gives, which can be awaited."""

import asyncpg


def open_pool(**where):
    sizes = {"min_size": 2, "max_size": 6}
    return asyncpg.create_pool(**sizes, **where, max_inactive_connection_lifetime=0.5)


answer = open_pool
