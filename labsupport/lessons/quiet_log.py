"""Leave out of a notebook what asyncpg leaves behind when it ends a connection in the middle.

A connection that is ended while its query is being cancelled leaves a future inside asyncpg that
nobody can wait for. asyncio reports it in red some time later, under whatever cell is running then.
"""

from __future__ import annotations

import logging

__all__ = ["leave_out_abandoned_futures"]

ABANDONED = "unexpected connection_lost() call"


def leave_out_abandoned_futures() -> None:
    """Keep asyncio from reporting these futures, and nothing else; twice is as good as once."""
    logging.getLogger("asyncio").addFilter(_is_worth_reading)


def _is_worth_reading(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, ConnectionError) and str(error) == ABANDONED)
