"""What passed between clients and a server, as the delay proxy saw it: counts and traces.

**A round trip** begins when the client sends something after something of the server's has
reached it, or for the first time on its connection; it ends with the last that reaches it before
it sends again. So what a client sends in one go, or without waiting, is one round trip.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal

from labsupport.postgres.messages import Message

__all__ = ["Burst", "Counts", "RoundTrip", "Trace", "trace_of"]

LABEL_LIMIT = 48


@dataclass(frozen=True)
class Counts:
    """How much has passed."""

    round_trips: int
    """On all connections."""
    per_connection: Mapping[int, int]
    """Round trips of each connection, by its number: 1 for the first that was opened."""
    opened: int
    """How many connections were opened."""
    open: int
    """How many are open now."""
    swallowed: int
    """How many replies were swallowed."""


@dataclass(frozen=True)
class Burst:
    """What one side sent before it heard from the other. Times are seconds since the trace began.

    The last burst of a connection is empty: its sender has closed.
    """

    connection: int
    direction: Literal["to server", "to client"]
    sent: float
    """When its first byte left its sender."""
    arrived: float
    """When its last byte reached the other side."""
    size: int
    """Bytes."""
    messages: tuple[Message, ...]
    """Empty on an encrypted connection."""


@dataclass(frozen=True)
class RoundTrip:
    """One question and its answer. Times are milliseconds since the trace began."""

    connection: int
    label: str
    """What was asked: the messages' names, and the SQL where there is any."""
    start_ms: float
    """The client sent the question."""
    there_ms: float
    """The question had reached the server."""
    back_ms: float
    """The first of the answer left the server; equal to `there_ms` when there was none."""
    end_ms: float
    """The last of the answer had reached the client; equal to `there_ms` when there was none."""
    asked: tuple[str, ...]
    """Names of the messages of the question."""
    answered: tuple[str, ...]
    """Names of the messages of the answer."""


@dataclass(frozen=True)
class Trace:
    """Everything that passed while it was recorded."""

    bursts: tuple[Burst, ...]
    """In the order in which the clients sent or heard them."""
    encrypted: bool
    """Whether some connection was encrypted, so that its messages cannot be read."""
    whole: bool
    """False if so much passed that the end was not recorded."""

    @property
    def round_trips(self) -> tuple[RoundTrip, ...]:
        """The round trips of all connections, in the order in which they began."""
        by_connection: dict[int, list[Burst]] = {}
        for burst in self.bursts:
            by_connection.setdefault(burst.connection, []).append(burst)
        found = [trip for bursts in by_connection.values() for trip in _paired(bursts)]
        return tuple(sorted(found, key=lambda trip: trip.start_ms))


def trace_of(said: Mapping[str, Any]) -> Trace:
    """Make a trace of what the proxy noted down, chunk by chunk."""
    chunks = [_burst(*chunk) for chunk in said["chunks"]]
    chunks.sort(key=lambda one: (one.connection, _seen_by_client(one)))
    bursts = [
        _joined(list(group))
        for _, group in groupby(chunks, key=lambda one: (one.connection, one.direction))
    ]
    bursts.sort(key=_seen_by_client)
    return Trace(tuple(bursts), bool(said["unreadable"]), bool(said["whole"]))


def _burst(
    connection: int, to_server: bool, sent: float, arrived: float, size: int, said: Iterable[Any]
) -> Burst:
    messages = tuple(Message(*one) for one in said)
    return Burst(
        connection, "to server" if to_server else "to client", sent, arrived, size, messages
    )


def _seen_by_client(burst: Burst) -> float:
    """When the client sent or heard it."""
    return burst.sent if burst.direction == "to server" else burst.arrived


def _joined(chunks: Sequence[Burst]) -> Burst:
    return replace(
        chunks[0],
        arrived=max(chunk.arrived for chunk in chunks),
        size=sum(chunk.size for chunk in chunks),
        messages=tuple(message for chunk in chunks for message in chunk.messages),
    )


def _paired(bursts: Sequence[Burst]) -> list[RoundTrip]:
    """Each question of one connection with the answer that follows it."""
    pairs = zip(bursts, [*bursts[1:], None], strict=True)
    return [
        _round_trip(burst, answer)
        for burst, answer in pairs
        if burst.direction == "to server" and burst.size
    ]


def _round_trip(question: Burst, answer: Burst | None) -> RoundTrip:
    return RoundTrip(
        connection=question.connection,
        label=_label(question.messages),
        start_ms=question.sent * 1000,
        there_ms=question.arrived * 1000,
        back_ms=(answer.sent if answer else question.arrived) * 1000,
        end_ms=(answer.arrived if answer else question.arrived) * 1000,
        asked=tuple(message.name for message in question.messages),
        answered=tuple(message.name for message in answer.messages) if answer else (),
    )


def _label(messages: Sequence[Message]) -> str:
    names = ", ".join(dict.fromkeys(message.name for message in messages)) or "(encrypted)"
    sql = " ".join(next((message.text for message in messages if message.text), "").split())
    if len(sql) > LABEL_LIMIT:
        sql = sql[: LABEL_LIMIT - 3] + "..."
    return f"{names}: {sql}" if sql else names
