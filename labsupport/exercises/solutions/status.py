"""Exercise 10.a: the HTTP status of a database error."""

import asyncpg

__all__ = ["status_for"]

CONFLICTS = (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError)
WRONG_VALUES = (asyncpg.CheckViolationError, asyncpg.NotNullViolationError, asyncpg.DataError)
LATER = (
    OSError,  # refused, reset, and TimeoutError
    asyncpg.PostgresConnectionError,  # the connection was lost
    asyncpg.TransactionRollbackError,  # lost against another transaction, deadlock
    asyncpg.InsufficientResourcesError,  # too many connections
    asyncpg.OperatorInterventionError,  # killed, cancelled, starting or stopping
)


def status_for(error):
    """Return 409, 400, 503 or 500."""
    if isinstance(error, CONFLICTS):
        return 409
    if isinstance(error, WRONG_VALUES):
        return 400
    if isinstance(error, LATER):
        return 503
    return 500
