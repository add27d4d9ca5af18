"""Plots of ordinary and of ugly data: they are drawn, say what they show, and fit."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import combinations

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from labsupport.measuring import (
    Comparison,
    Conditions,
    Mark,
    Overlay,
    Result,
    Slice,
    Sweep,
    SweepPoint,
    TimeLine,
    plot_counts,
    plot_headline,
    plot_latencies,
    plot_overlay,
    plot_parts,
    plot_ratio,
    plot_response,
    plot_tails,
    plot_throughput,
    plot_time_line,
)
from labsupport.measuring.files import read_only
from labsupport.measuring.timeline import floats

HERE = Conditions("2026-01-01", "3.11", "0.32", "Linux", 2, "loop", 1, {}, {})


def result(
    name: str, median_ms: float, rate: float, requests: int, slices: int = 8, failed: int = 0
) -> Result:
    """A result with latencies around a median and slices around a rate, from a fixed seed."""
    chance = np.random.default_rng(7)
    parts = tuple(
        Slice(requests // slices, 0, 0, rate * factor, 0.1, 0.5)
        for factor in chance.normal(1, 0.05, slices)
    )
    errors = {"TooManyConnectionsError": failed} if failed else {}
    return Result(
        name=name,
        clients=10,
        latencies=read_only(median_ms * 1e6 * chance.lognormal(0, 0.2, requests)),
        failed_latencies=read_only([1_000_000] * failed),
        errors=errors,
        slices=parts,
        conditions=HERE,
    )


def comparison(*results: Result) -> Comparison:
    return Comparison({one.name: one for one in results}, (), 8.0, "time was up", HERE)


ORDINARY = comparison(
    result("connect each time", 44, 240, 2000), result("pool of 10", 0.8, 12_000, 40_000)
)
UGLY = comparison(
    result("a connection for every request", 0, 0, 0, 1, failed=5000),
    result("ten connections without a reset", 0.8, 12_000, 500, 1, failed=3),
    result("a connection held by each worker", 0.3, 30_000, 12, 1),
)


def sweep_of(*arms: str, rate: float = 1000.0) -> Sweep:
    points = tuple(
        SweepPoint(arm, clients, rate * clients, rate * clients * 0.9, rate * clients * 1.1,
                   1.0, None, 500, {} if rate else {"OSError": 500}, 0.5)
        for arm in arms for clients in (1, 10, 100)
    )  # fmt: skip
    return Sweep(points, 3, 9.0, "time was up", HERE)


def swept_over(over: str, *values: float, answered: bool = True) -> Sweep:
    """A sweep of an open loop whose latency goes up at the last value."""
    points = tuple(
        SweepPoint("pool of 4", 0, value if answered else 0.0, value, value, half, None, 500,
                   {} if answered else {"OSError": 500}, 0.5, value=value, offered=value + 1.0,
                   rates=(value,) * 3, means_ms=(half,) * 3)
        for value in values
        for half in [(40.0 if value == values[-1] else 5.0) if answered else None]
    )  # fmt: skip
    return Sweep(points, 3, 9.0, "time was up", HERE, over)


ROOM = Overlay(
    {
        "anna": ORDINARY,
        "a file with a very long name indeed": ORDINARY,
        "ben": comparison(result("connect each time", 20, 500, 2000), result("pool", 1, 9e3, 900)),
    },
    {},
)
LATE = replace(result("open loop", 8, 300, 3000), clients=None, rate=300.0,
               lateness=read_only(np.linspace(0, 1e7, 3000)))  # fmt: skip

PICTURES = {
    "tails": lambda: plot_tails({"closed loop": result("a", 2, 900, 9000), "open loop": LATE}),
    "tails, ugly": lambda: plot_tails(UGLY.results),
    "tails of one": lambda: plot_tails(LATE),
    "overlay": lambda: plot_overlay(ROOM),
    "overlay, ugly": lambda: plot_overlay(Overlay({"a": UGLY}, {})),
    "knees": lambda: plot_throughput(swept_over("connections", 1, 2, 5), knees=True),
    "knees, ugly": lambda: plot_throughput(swept_over("ms", 0, 1, answered=False), knees=True),
    "knees at zero": lambda: plot_throughput(swept_over("ms of round trip", 0.0), knees=True),
    "response": lambda: plot_response(swept_over("requests a second", 100, 200, 400)),
    "response, ugly": lambda: plot_response(swept_over("ms", 0, 5, answered=False)),
    "latencies": lambda: plot_latencies(ORDINARY, ORDINARY),
    "latencies, ugly": lambda: plot_latencies(UGLY, ORDINARY),
    "ratio": lambda: plot_ratio(ORDINARY, ORDINARY),
    "ratio, ugly": lambda: plot_ratio(UGLY, UGLY),
    "headline": lambda: plot_headline(ORDINARY, ORDINARY),
    "headline, ugly": lambda: plot_headline(UGLY, ORDINARY),
    "throughput": lambda: plot_throughput(sweep_of("a", "b"), sweep_of("a", "c")),
    "throughput, ugly": lambda: plot_throughput(sweep_of("a connection each time", rate=0.0)),
    "parts": lambda: plot_parts({"starting a session": [3, 4, 5], "closing": [1, 1]}, "Parts"),
    "parts, ugly": lambda: plot_parts({"nothing": [0.0], "less than it": [-1.0, -2.0]}, "Parts"),
    "counts": lambda: plot_counts({"a": {"answered": 86, "OSError": 114}}, "200 at once"),
    "counts, ugly": lambda: plot_counts({"a": {}, "b": {"OSError": 0}}, "nothing at all"),
}


def texts(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in figure.findobj(Text))


@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_drawn_on_white_without_a_warning_and_inside_its_edges(name: str) -> None:
    figure = PICTURES[name]()
    assert isinstance(figure, Figure)
    assert figure.get_facecolor() == (1, 1, 1, 1)
    assert figure._repr_png_().startswith(b"\x89PNG")
    width, height = figure.canvas.get_width_height()
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text() and text.axes is not None:
            box = text.get_window_extent()
            shown = box.x0 >= -2 and box.x1 <= width + 2 and box.y0 >= -2 and box.y1 <= height + 2
            # Ticks beyond the limits of their axis have labels that are never drawn.
            is_tick = text in [*text.axes.get_xticklabels(), *text.axes.get_yticklabels()]
            assert shown or is_tick, text.get_text()


def test_the_latencies_are_read_in_words() -> None:
    said = texts(plot_headline(ORDINARY))
    assert "40,000 requests: half of them took less than 0.8" in said
    assert "99 of 100 less than 1." in said
    assert "reference" not in said
    assert "grey: recorded reference" in texts(plot_headline(ORDINARY, ORDINARY))
    ugly = texts(plot_headline(UGLY))
    assert "no request succeeded: 5,000 TooManyConnectionsError" in ugly
    assert "failed: 3 TooManyConnectionsError" in ugly


def test_the_ratio_is_written_with_its_interval() -> None:
    ratio = ORDINARY.ratio()
    said = texts(plot_headline(ORDINARY))
    assert f"{ratio.median:.0f} times ({ratio.low:.0f} to {ratio.high:.0f}, 8 rounds)" in said
    assert '"connect each time"' in " ".join(said.split())
    assert "no ratio" in texts(plot_headline(UGLY))


def test_the_other_pictures_name_their_arms_units_and_numbers() -> None:
    swept = texts(plot_throughput(sweep_of("pool of 10")))
    assert "pool of 10" in swept and "requests per second" in swept and "1,500 requests" in swept
    parted = texts(plot_parts({"opening": [5.1, 5.2, 9.9], "closing": [1.0] * 3}, "One of them"))
    assert "5.2 ms" in parted and "closing" in parted and "median of 3 times" in parted
    counted = texts(plot_counts({"no pool": {"answered": 86, "OSError": 114}}, "200 at once"))
    assert "no pool: 200 requests" in counted and "114" in counted and "200 at once" in counted
    tails = texts(plot_tails({"open loop": LATE}))
    assert "99 of 100 less" in tails and "grey: how late the client itself sent" in tails
    assert "grey" not in texts(plot_tails(result("closed", 2, 900, 9000)))
    knees = texts(plot_throughput(swept_over("connections", 1, 2, 5), knees=True))
    assert "knee: 2" in knees and "connections, logarithmic scale" in knees
    assert "ms of round trip" in texts(plot_throughput(swept_over("ms of round trip", 0, 5)))
    room = texts(plot_overlay(ROOM))
    assert "anna" in room and "pool of 10" in room and "50" in room
    assert "no ratio" in texts(plot_overlay(Overlay({"a": UGLY}, {})))
    plain = texts(plot_counts({"pool": {"answered": 1}}, "Who did it", unit="server processes"))
    assert "server processes" in plain and "pool:" not in plain and "answered" not in plain


MARKS = {
    "one, early": [0.0],
    "one, late": [3.0],
    "three, close together": [1.5, 1.6, 1.7],
    "three, late": [2.7, 2.85, 2.95],
    "six, in pairs": [0.1, 0.15, 1.2, 1.3, 2.8, 2.95],
    "six, close together": [1.8, 1.83, 1.86, 1.89, 1.92, 1.95],
    "after the last sample": [1.5, 3.5],
}


@pytest.mark.parametrize("moments", MARKS.values(), ids=MARKS)
def test_labels_of_marks_touch_neither_each_other_nor_a_line_and_stay_inside(
    moments: list[float],
) -> None:
    marks = tuple(Mark(at, f"the database moves, part {n}") for n, at in enumerate(moments))
    columns = {"size": floats([1, 4, 10, 10]), "sessions": floats([11, 11, 11, 11])}
    figure = plot_time_line(TimeLine(floats([0, 1, 2, 3]), columns, marks))
    figure._repr_png_()
    axes = figure.axes[0]
    boxes = {
        text.get_text(): text.get_window_extent()
        for text in axes.texts
        if text.get_text() in {mark.label for mark in marks}
    }
    assert len(boxes) == len(marks)
    inside, lines_end = axes.bbox, axes.transData.transform((0, 11))[1]
    for label, box in boxes.items():
        assert inside.x0 - 1 <= box.x0 and box.x1 <= inside.x1 + 1, label
        assert lines_end < box.y0 and box.y1 <= inside.y1, label
        assert not any(box.overlaps(other) for name, other in boxes.items() if name != label)
    for mark in marks:
        at = axes.transData.transform((mark.seconds, 0))[0]
        box = boxes[mark.label]
        assert min(abs(box.x0 - at), abs(box.x1 - at)) < 10, f"{mark.label} stands at its line"


def test_marks_too_many_to_be_named_keep_their_lines_and_no_label_touches_another() -> None:
    marks = tuple(Mark(2 + n / 100, "a label that is too long " * 4) for n in range(9))
    figure = plot_time_line(TimeLine(floats([0, 1, 3]), {"size": floats([1, 4, 9])}, marks))
    figure._repr_png_()
    axes = figure.axes[0]
    labels = [text for text in axes.texts if text.get_text().startswith("a label")]
    assert len(labels) == 6
    boxes = [text.get_window_extent() for text in labels]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    assert sum(line.get_linestyle() == "--" for line in axes.lines) >= len(marks)


def test_the_reader_s_own_style_does_not_reach_the_pictures_and_is_left_alone() -> None:
    with matplotlib.rc_context({"text.color": "white", "axes.facecolor": "black"}):
        figure = plot_headline(ORDINARY)
        assert matplotlib.rcParams["text.color"] == "white"
    assert all(axes.get_facecolor() == (1, 1, 1, 1) for axes in figure.axes)
    assert not any(text.get_color() == "white" for text in figure.findobj(Text))


def test_pyplot_is_not_needed() -> None:
    code = "import sys, labsupport.measuring as m; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
