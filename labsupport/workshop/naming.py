"""What participants are called, and the marks by which their roles and databases are known."""

from __future__ import annotations

import re

__all__ = [
    "DATABASE_MARK",
    "ROLE_MARK",
    "is_of_a_participant",
    "name_pattern",
    "participant_name",
    "place_of",
]

ROLE_MARK = "Made by the Connection Pooling Lab for a workshop; `workshop remove` drops it."
DATABASE_MARK = "Database of a participant of a workshop, made by the Connection Pooling Lab."
OF_LESSONS = re.compile(r"lab_template_[0-9a-f]{12}|lab_(kernel|building)_[0-9a-f]{6}_\d+_\d+")


def participant_name(prefix: str, number: int) -> str:
    """The name of a participant's role, database and file: "workshop_01" is the first."""
    return f"{prefix}_{number:02}"


def name_pattern(prefix: str) -> str:
    """A regular expression, for PostgreSQL and for Python, of all names with this prefix."""
    return f"^{re.escape(prefix)}_([0-9]{{2}}|[1-9][0-9]{{2}})$"


def place_of(name: str) -> int:
    """The number of a participant, to sort by."""
    return int(name.rpartition("_")[2])


def is_of_a_participant(database: str, role: str) -> bool:
    """Whether a database that `role` owns was made for it, or by lessons that it ran."""
    return database == role or OF_LESSONS.fullmatch(database) is not None
