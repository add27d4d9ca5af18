"""Wrong: a wrong value is called a conflict. Says: negative amount."""

import asyncpg


def status_for(error):
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return 409
    if isinstance(error, asyncpg.DataError):
        return 400
    if isinstance(error, (asyncpg.SyntaxOrAccessError, KeyError, asyncpg.InterfaceError)):
        return 500
    return 503


answer = status_for
