"""Wrong: knows errors of PostgreSQL only. Says: server that is down | limit that was."""

import asyncpg

BY_CLASS = {"22": 400, "08": 503, "40": 503, "53": 503, "57": 503}
BY_CODE = {"23505": 409, "23503": 409, "23514": 400, "23502": 400}


def status_for(error):
    if not isinstance(error, asyncpg.PostgresError):
        return 500
    return BY_CODE.get(error.sqlstate, BY_CLASS.get(error.sqlstate[:2], 500))


answer = status_for
