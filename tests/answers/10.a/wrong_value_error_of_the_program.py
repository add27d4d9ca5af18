"""Wrong: a ValueError of the program is called a wrong value. Says: program cannot read."""

import asyncpg


def status_for(error):
    match error:
        case asyncpg.UniqueViolationError() | asyncpg.ForeignKeyViolationError():
            return 409
        case asyncpg.CheckViolationError() | asyncpg.NotNullViolationError() | ValueError():
            return 400
        case asyncpg.DataError():
            return 400
        case OSError() | asyncpg.PostgresConnectionError() | asyncpg.TransactionRollbackError():
            return 503
        case asyncpg.InsufficientResourcesError() | asyncpg.OperatorInterventionError():
            return 503
    return 500


answer = status_for
