"""Frames: what the live view sends to the browser ten times a second, as small as it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from labsupport.measuring.timeline import IDLE, IN_USE, MAX_SIZE, SESSIONS, WAITING

__all__ = ["Frame", "frame_of"]


class Frame(TypedDict):
    """One moment of a pool. A number that is not known is None."""

    seconds: float
    used: int | None
    idle: int | None
    most: int | None
    waiting: int | None
    sessions: int | None
    out: list[tuple[int | None, float | None, str]]
    """Of connections in use: the server's process, the hold time in seconds, the borrower."""
    text: str
    """The same in words."""
    done: bool


def frame_of(
    seconds: float,
    row: Mapping[str, float],
    out: Sequence[Any] = (),
    trouble: str = "",
    done: bool = False,
) -> Frame:
    """The frame of one sample.

    `out` are the connections in use, as far as they are known: objects with any of `pid`,
    `held_seconds` and `task`, such as a `Loan`. `trouble` is added to the text.
    """
    frame = Frame(
        seconds=seconds,
        used=_whole(row, IN_USE),
        idle=_whole(row, IDLE),
        most=_whole(row, MAX_SIZE),
        waiting=_whole(row, WAITING),
        sessions=_whole(row, SESSIONS),
        out=[_who(one) for one in out],
        text="",
        done=done,
    )
    frame["text"] = f"{_words(frame)} {trouble}".rstrip()
    return frame


def _whole(row: Mapping[str, float], name: str) -> int | None:
    value = row.get(name)
    return None if value is None or value != value else round(value)


def _who(one: Any) -> tuple[int | None, float | None, str]:
    held = getattr(one, "held_seconds", None)
    return (
        getattr(one, "pid", None),
        None if held is None else round(held, 1),
        str(getattr(one, "task", "")),
    )


def _words(frame: Frame) -> str:
    """Say what a frame shows: the line for those who cannot see the drawing."""
    used, idle, most = frame["used"], frame["idle"], frame["most"]
    parts = []
    if used is not None:
        of = "" if most is None else f" of at most {most}"
        parts.append(f"{used}{of} connections in use")
    if idle is not None:
        parts.append(f"{idle} idle")
    if (waiting := frame["waiting"]) is not None:
        parts.append(f"{waiting} request{'s' * (waiting != 1)} waiting")
    if (sessions := frame["sessions"]) is not None:
        parts.append(f"{sessions} session{'s' * (sessions != 1)} seen by the server")
    seen = ", ".join(parts) or "the pool cannot be seen"
    when = "At the end" if frame["done"] else "After"
    return f"{when}{' of' * frame['done']} {frame['seconds']:.1f} s: {seen}."
