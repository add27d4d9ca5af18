"""What the proxy noted down becomes bursts and round trips, as the client saw them."""

from __future__ import annotations

from typing import Any

from labsupport.postgres.traffic import RoundTrip, trace_of

PARSE = ["Parse", "P", "SELECT  count(*)\n FROM users", 1]
SYNC = ["Sync", "S", "", 1]
ROW = ["DataRow", "D", "", 3]
READY = ["ReadyForQuery", "Z", "", 1]
END = ["Terminate", "X", "", 1]


def chunk(
    connection: int, to_server: bool, sent: float, arrived: float, *said: list[Any], size: int = 10
) -> list[Any]:
    return [connection, to_server, sent, arrived, size, list(said)]


def said(*chunks: list[Any], whole: bool = True, unreadable: tuple[int, ...] = ()) -> Any:
    return {"chunks": chunks, "whole": whole, "unreadable": list(unreadable)}


def times(trip: RoundTrip) -> list[int]:
    return [round(moment) for moment in (trip.start_ms, trip.there_ms, trip.back_ms, trip.end_ms)]


def test_what_one_side_says_before_it_hears_the_other_is_one_burst() -> None:
    trace = trace_of(
        said(
            chunk(1, True, 0.000, 0.010, PARSE),
            chunk(1, True, 0.001, 0.011, SYNC),
            chunk(1, False, 0.015, 0.025, ROW),
            chunk(1, False, 0.016, 0.026, READY),
            chunk(1, True, 0.030, 0.040, END),
            chunk(1, False, 0.041, 0.051, size=0),
        )
    )
    assert [(one.direction, one.size) for one in trace.bursts] == [
        ("to server", 20), ("to client", 20), ("to server", 10), ("to client", 0),
    ]  # fmt: skip
    assert [message.name for message in trace.bursts[0].messages] == ["Parse", "Sync"]
    assert trace.bursts[1].messages[0].count == 3
    first, second = trace.round_trips
    assert first.label == "Parse, Sync: SELECT count(*) FROM users"
    assert (first.asked, first.answered) == (("Parse", "Sync"), ("DataRow", "ReadyForQuery"))
    assert times(first) == [0, 11, 15, 26]
    assert (second.label, second.answered) == ("Terminate", ())
    assert times(second) == [30, 40, 41, 51]
    assert trace.whole and not trace.encrypted


def test_the_order_is_the_client_s_and_not_that_of_arriving() -> None:
    """It sends again before the server's early words have reached it: still one round trip."""
    early = chunk(1, False, 0.002, 0.012, READY)
    trace = trace_of(
        said(
            chunk(1, True, 0.000, 0.010, PARSE),
            early,
            chunk(1, True, 0.008, 0.018, SYNC),
            chunk(1, False, 0.020, 0.030, READY),
        )
    )
    assert [one.direction for one in trace.bursts] == ["to server", "to client"]
    assert len(trace.round_trips) == 1


def test_connections_are_told_apart() -> None:
    trace = trace_of(
        said(
            chunk(2, True, 0.001, 0.011, END),
            chunk(1, True, 0.000, 0.010, PARSE),
            chunk(2, False, 0.012, 0.022, READY),
            chunk(1, False, 0.013, 0.023, READY),
        )
    )
    assert [(one.connection, one.label[:5]) for one in trace.round_trips] == [
        (1, "Parse"), (2, "Termi"),
    ]  # fmt: skip


def test_what_is_not_known_is_said() -> None:
    trace = trace_of(said(chunk(1, True, 0.0, 0.01), whole=False, unreadable=(1,)))
    assert trace.encrypted and not trace.whole
    (only,) = trace.round_trips
    assert only.label == "(encrypted)" and times(only) == [0, 10, 10, 10]
    assert trace_of(said()).round_trips == ()


def test_a_long_statement_is_shortened() -> None:
    long = ["Query", "Q", "SELECT " + "x" * 100, 1]
    label = trace_of(said(chunk(1, True, 0.0, 0.01, long))).round_trips[0].label
    assert label.startswith("Query: SELECT xxx") and label.endswith("...") and len(label) < 60
