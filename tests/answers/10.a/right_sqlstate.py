"""Right: by the classes of PostgreSQL's error codes."""

import asyncpg

BY_CODE = {"23505": 409, "23503": 409, "23514": 400, "23502": 400}
BY_CLASS = {"22": 400, "08": 503, "40": 503, "53": 503, "57": 503}


def status_for(error):
    code = getattr(error, "sqlstate", None) or ""
    if code in BY_CODE:
        return BY_CODE[code]
    if isinstance(error, (OSError, asyncpg.PostgresConnectionError)):
        return 503
    return BY_CLASS.get(code[:2], 500)


answer = status_for
