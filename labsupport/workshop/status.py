"""Who is at the server, as far as the server knows."""

from __future__ import annotations

from dataclasses import dataclass

from labsupport.postgres import Server, connect, inspect_server
from labsupport.workshop.naming import ROLE_MARK, name_pattern, place_of

__all__ = ["Presence", "look_around"]

PRESENT = """
    SELECT r.rolname AS name,
           r.rolconnlimit AS limit,
           count(a.pid) AS sessions,
           coalesce(array_agg(DISTINCT a.application_name)
                    FILTER (WHERE a.application_name LIKE 'lesson %'), '{}') AS lessons,
           extract(epoch FROM clock_timestamp() - max(a.state_change))::float AS quiet_seconds,
           EXISTS (SELECT FROM pg_database
                   WHERE datdba = r.oid AND datname LIKE 'lab\\_template\\_%') AS has_begun,
           (SELECT count(*) FROM pg_database
            WHERE datdba = r.oid AND datname LIKE 'lab\\_kernel\\_%') AS kernels
    FROM pg_roles AS r LEFT JOIN pg_stat_activity AS a ON a.usesysid = r.oid
    WHERE r.rolname ~ $1 AND shobj_description(r.oid, 'pg_authid') = $2
    GROUP BY r.oid, r.rolname, r.rolconnlimit
"""


@dataclass(frozen=True)
class Presence:
    """One participant, seen from the server."""

    name: str
    limit: int
    """Sessions that the participant may have."""
    sessions: int
    has_begun: bool
    """Whether the sample data were loaded once: the lab works on the participant's machine."""
    kernels: int
    """Notebooks that were begun and whose last cell has not run yet."""
    lessons: tuple[str, ...]
    """Lessons that hold sessions at this moment: "01"."""
    quiet_seconds: float | None
    """Since the last thing that one of the sessions did; None when there is none."""


async def look_around(server: Server, prefix: str) -> list[Presence]:
    """Return every participant of the workshop, in the order of their numbers.

    Raises `LabError` when the server cannot be asked.
    """
    await inspect_server(server)
    async with connect(server) as connection:
        rows = await connection.fetch(PRESENT, name_pattern(prefix), ROLE_MARK)
    found = [
        Presence(
            name=row["name"],
            limit=row["limit"],
            sessions=row["sessions"],
            has_begun=row["has_begun"],
            kernels=row["kernels"],
            lessons=tuple(sorted(name.removeprefix("lesson ") for name in row["lessons"])),
            quiet_seconds=row["quiet_seconds"],
        )
        for row in rows
    ]
    return sorted(found, key=lambda presence: place_of(presence.name))
