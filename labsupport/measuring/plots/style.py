"""One look for all plots: white paper also on a dark page, and colours everybody can tell apart."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

__all__ = [
    "COLOURS",
    "GREY",
    "INK",
    "Picture",
    "colour_of",
    "lab_style",
    "milliseconds",
    "new_picture",
    "no_vertical_axis",
    "number",
]

# Okabe and Ito, "Color Universal Design", 2008: distinct for colour-blind readers too.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#8C8C8C"
INK = "#222222"
MARGIN = 0.12
"""Inches of white around a picture, which a dark page would cut off sharply."""

STYLE = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": INK,
    "axes.facecolor": "white",
    "axes.grid": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


@contextmanager
def lab_style() -> Iterator[None]:
    """Draw in the lab's style, whatever style the notebook has set for its own plots."""
    with style.context(["default", STYLE]):
        yield


class Picture(Figure):
    """A figure that a notebook shows by itself.

    Jupyter learns how to show a plain `Figure` only when pyplot is imported, which the plots do
    without: pyplot keeps every figure alive until somebody closes it.
    """

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def new_picture(width: float = 8.0, height: float = 4.5) -> Picture:
    """An empty white picture of that size in inches, 110 dots an inch, with a margin."""
    paper = ConstrainedLayoutEngine(w_pad=MARGIN, h_pad=MARGIN)
    return Picture(figsize=(width, height), dpi=110, facecolor="white", layout=paper)


def colour_of(index: int) -> str:
    """The colour of the arm with this index."""
    return COLOURS[index % len(COLOURS)]


def milliseconds(value: float) -> str:
    """A duration for reading: "0.83 ms", "1.6 ms", "44 ms", "1.2 s"."""
    if value >= 1000:
        return f"{value / 1000:.1f} s"
    digits = 0 if value >= 10 else 1
    return f"{value:.{digits}f} ms" if value >= 1 else f"{value:.2g} ms"


def number(value: float) -> str:
    """A count or a rate for reading: "0.4", "24", "12,345"."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def no_vertical_axis(axes: Axes) -> None:
    """Take the vertical axis away, for rows that carry their labels inside."""
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
