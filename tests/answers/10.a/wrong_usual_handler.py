"""Wrong: two errors by name and 500 for the rest. Says: ForeignKeyViolationError."""

import asyncpg


def status_for(error):
    if isinstance(error, asyncpg.ConnectionDoesNotExistError):
        return 503
    if isinstance(error, asyncpg.UniqueViolationError):
        return 409
    return 500


answer = status_for
