"""Wrong: asyncpg's InterfaceError is mostly a mistake in the call. Says: argument too many."""

import asyncpg

from labsupport.pooling import status_of


def status_for(error):
    if isinstance(error, asyncpg.InterfaceError):
        return 503
    return status_of(error)[0]


answer = status_for
