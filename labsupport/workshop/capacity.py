"""How many participants a server has room for, and how many sessions each of them gets."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["INSTRUCTOR", "LEAST", "MOST", "Capacity", "plan_capacity"]

LESSON = 20
"""Sessions that a lesson takes at most of a server that others use too."""
LEAVING = 5
"""A session that was cut off counts until its process notices; and `doctor` wants one, too."""
LEAST = LESSON + LEAVING
MOST = 2 * LESSON
"""More than two notebooks at the same time is nobody's plan."""
INSTRUCTOR = 25
"""A lesson for the instructor, who shows it to the room, and a few sessions to look on."""


@dataclass(frozen=True)
class Capacity:
    """How the sessions of a server are shared out."""

    max_connections: int
    reserved: int
    """Sessions that the server keeps for superusers and for reserved roles."""
    others: int
    """Sessions that are kept for the instructor and for everybody else."""
    participants: int

    @property
    def share(self) -> int:
        """Sessions that each participant could have, however few."""
        free = self.max_connections - self.reserved - self.others
        return max(0, free) // max(1, self.participants)

    @property
    def limit(self) -> int:
        """The connection limit of each participant."""
        return min(MOST, self.share)

    @property
    def fits(self) -> bool:
        """Whether each participant gets enough for a lesson."""
        return self.share >= LEAST

    @property
    def room_for(self) -> int:
        """How many participants this server has room for."""
        return max(0, self.max_connections - self.reserved - self.others) // LEAST

    @property
    def needed(self) -> int:
        """The smallest `max_connections` that is enough for these participants."""
        return self.participants * LEAST + self.others + self.reserved

    @property
    def arithmetic(self) -> str:
        """The sum behind `needed`, in words."""
        return (
            f"{self.participants} x {LEAST} for the participants, {self.others} for you and for "
            f"other programs, {self.reserved} that the server reserves: {self.needed}"
        )


def plan_capacity(
    max_connections: int, reserved: int, participants: int, others_now: int = 0
) -> Capacity:
    """Share out the sessions of a server.

    `others_now` are sessions that others hold at this moment; where these are more than what is
    kept for the instructor, they are kept instead. Raises ValueError for a negative number.
    """
    if min(max_connections, reserved, participants, others_now) < 0:
        raise ValueError("Numbers of sessions and of participants are not negative.")
    return Capacity(max_connections, reserved, max(INSTRUCTOR, others_now), participants)
