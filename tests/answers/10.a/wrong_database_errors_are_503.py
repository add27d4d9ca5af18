"""Wrong: every other error of the database is called temporary. Says: table that does not exist."""

import asyncpg


def status_for(error):
    match error:
        case asyncpg.UniqueViolationError() | asyncpg.ForeignKeyViolationError():
            return 409
        case asyncpg.CheckViolationError() | asyncpg.NotNullViolationError() | asyncpg.DataError():
            return 400
        case asyncpg.PostgresError() | OSError():
            return 503
    return 500


answer = status_for
