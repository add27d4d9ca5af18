"""The last cell of a notebook: nothing is left open, and every claim held."""

from __future__ import annotations

import asyncio

from labsupport.errors import LabError
from labsupport.lessons import claims
from labsupport.lessons.beginning import Lab
from labsupport.postgres import connect, drop_database

__all__ = ["LessonFailed", "finish"]

LOOKS = 25
LOOK_EVERY = 0.2
SESSIONS = """
    SELECT pid, state, left(query, 60) AS query FROM pg_stat_activity
    WHERE datname = $1 AND backend_type = 'client backend' ORDER BY pid
"""


class LessonFailed(LabError):
    """A claim of the lesson did not hold on this machine."""


async def finish(lab: Lab) -> None:
    """Check that this notebook left no session open, drop its database, and sum up the claims.

    Raises `LessonFailed` when a claim did not hold; the database is dropped all the same.
    """
    left = await _sessions_left(lab)
    claims.verify(
        "This notebook left no session open.",
        len(left),
        0,
        if_not="a pool or a connection was not closed, or a cell that makes a pool ran twice: "
        + "; ".join(left),
    )
    await drop_database(lab.server, lab.database)
    wrong = claims.failed()
    if wrong:
        texts = " ".join(f"({number}) {claim.text}" for number, claim in enumerate(wrong, 1))
        raise LessonFailed(
            f"{len(wrong)} of {len(claims.remembered())} claims did not hold: {texts} "
            "The cells above say what was seen and why that may be."
        )
    print(f"All {len(claims.remembered())} claims held. The database {lab.database} is dropped.")
    print("To go through the lesson again, run it from its first cell.")


async def _sessions_left(lab: Lab) -> list[str]:
    # A session ends a moment after its client has said goodbye.
    async with connect(lab.server) as connection:
        for _ in range(LOOKS):
            rows = await connection.fetch(SESSIONS, lab.database)
            if not rows:
                return []
            await asyncio.sleep(LOOK_EVERY)
    return [f"session {row['pid']} ({row['state']}) {row['query']!r}" for row in rows]
