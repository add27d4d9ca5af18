"""What the process that measures and its helper processes say to each other, over pipes.

Messages are pickles, one after the other. The parent first sends a `SetUp`, then any number of
`Turn`, then `FINISH`; `STOP` may come at any time. A child answers `READY`, a `Slice` for each
turn, its `Record`, and `CLOSED`; or `Failed` at any time, and then it ends.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from labsupport.measuring.load import Load

__all__ = ["CLOSED", "FINISH", "READY", "STOP", "Failed", "SetUp", "Turn", "read_all", "send"]

FINISH, STOP = "finish", "stop"
READY, CLOSED = "ready", "closed"


@dataclass(frozen=True)
class SetUp:
    """The first message: `prepare`, packed by cloudpickle, and this child's share of the load."""

    prepare: bytes
    load: Load


@dataclass(frozen=True)
class Turn:
    """Run the request for so many `seconds` from the moment `start`, and send `most` at most.

    `start` is of `time.perf_counter_ns`, whose clock all processes of a machine share. A turn
    that does not `count` is a warm-up. The `seed` decides random arrivals.
    """

    start: int
    seconds: float
    most: int | None
    seed: tuple[int, ...]
    counts: bool


@dataclass(frozen=True)
class Failed:
    """What went wrong in a child: the exception's name and text, and its whole traceback."""

    error: str
    details: str


def send(stream: IO[bytes], message: Any) -> None:
    """Send one message. Raises OSError when nobody is left to read it."""
    pickle.dump(message, stream)
    stream.flush()


def read_all(stream: IO[bytes], take: Callable[[Any], None]) -> None:
    """Give every message to `take` until the other side has gone."""
    while True:
        try:
            message = pickle.load(stream)
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            return
        take(message)
