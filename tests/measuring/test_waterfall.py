"""The waterfall of round trips: where its bars lie, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from labsupport.measuring import plot_waterfall


@dataclass(frozen=True)
class Asked:
    """Plain data, as a lesson may make them itself."""

    start_ms: float
    there_ms: float
    back_ms: float
    end_ms: float
    label: str


def asked(count: int, *, begin: float = 0.0, label: str = "Query: SELECT $1 + $2") -> list[Asked]:
    """Round trips of 5 ms that follow each other, 1 ms of them at the server."""
    starts = [begin + 6.0 * number for number in range(count)]
    return [Asked(start, start + 2, start + 3, start + 5, label) for start in starts]


def bars(figure: Figure) -> list[tuple[float, float]]:
    """Where the bars begin and end, from the top."""
    (axes,) = figure.axes
    found = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    return [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in found]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text)]


def test_each_round_trip_has_its_bar_and_each_arm_begins_at_zero() -> None:
    figure = plot_waterfall(
        {"connect, query, close": asked(3, begin=1000), "pooled query": asked(1, begin=70)}, "One"
    )
    assert bars(figure) == [
        (0, 5), (2, 3), (6, 11), (8, 9), (12, 17), (14, 15), (0, 5), (2, 3),
    ]  # fmt: skip
    heights = [patch.get_y() for patch in figure.axes[0].patches]
    assert heights == sorted(heights, reverse=True)


def test_it_says_how_many_round_trips_and_how_long() -> None:
    said = texts(plot_waterfall({"unpooled": asked(3), "pooled": asked(1)}, "One request"))
    assert "unpooled: 3 round trips, 17 ms" in said
    assert "pooled: 1 round trip, 5.0 ms" in said
    assert said.count("Query: SELECT $1 + $2  5.0 ms") == 4
    assert {"ms since the request began", "on the way", "at the server", "One request"} <= set(said)


@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")
@pytest.mark.parametrize(
    "steps",
    [
        [],
        asked(1, label="x" * 300),
        asked(60, label="Query: $\\alpha SELECT '{%_"),
        [Asked(0, 0, 0, 0, "")],
        [Asked(0, 1, 5000, 5001, "a slow one"), Asked(5001, 5002, 5002, 5002, "no answer")],
    ],
    ids=["none", "long label", "many", "no time", "slow"],
)
def test_it_is_drawn_without_a_warning_and_inside_its_edges(steps: Sequence[Asked]) -> None:
    figure = plot_waterfall({"an arm": steps}, "A title")
    assert figure._repr_png_().startswith(b"\x89PNG")
    width, height = figure.canvas.get_width_height()
    ticks = {*figure.axes[0].get_xticklabels()}
    for text in figure.findobj(Text):
        if text.get_text() and text.get_visible() and text not in ticks:
            box = text.get_window_extent()
            assert box.x0 >= -2 and box.x1 <= width + 2, text.get_text()
            assert box.y0 >= -2 and box.y1 <= height + 2, text.get_text()


def test_too_many_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="61 round trips are too many"):
        plot_waterfall({"a": asked(30), "b": asked(31)}, "Too many")
