"""Show a plot the way every lesson does: picture, sentence, numbers; and the code of the lab."""

from __future__ import annotations

import html
import inspect
import io
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from IPython.display import HTML, Image, Markdown, display
from matplotlib.figure import Figure

from labsupport.places import project_root

__all__ = ["show", "show_rows", "show_slider", "show_source"]

SHARP = 2
CODE = (
    "<style>.lab-source pre { overflow-x: auto }"
    " .lab-source pre, .lab-source code { white-space: pre !important }</style>"
    '<div class="lab-source" style="font-family: var(--jp-code-font-family, monospace)">'
)
"""What stands around code: its lines are not broken, and long ones can be moved sideways.

JupyterLab breaks them otherwise, and insists on it. It knows the font by itself; in the HTML that
nbconvert makes, the font has to be named.
"""


def show(figure: Figure, says: str, table: Any = None) -> None:
    """Display `figure`, then the sentence `says`, then `table` (a pandas DataFrame) if given.

    A figure that is not known stands as "-" in the table.

    The sentence is also the picture's alternative text, and the table holds the same numbers,
    because a screen reader cannot read a plot.
    """
    alt = _plain(says)
    display(  # type: ignore[no-untyped-call]
        Image(data=_png(figure), format="png", width=_width(figure), alt=alt)  # type: ignore[no-untyped-call]
    )
    display(Markdown(says))  # type: ignore[no-untyped-call]
    if table is not None:
        plain = table.rename_axis(index=[None] * table.index.nlevels)
        display(HTML(plain.to_html(na_rep="-")))  # type: ignore[no-untyped-call]


def show_rows(rows: Sequence[Any]) -> None:
    """Display dataclass instances as a table, a column for each field."""
    columns = list(asdict(rows[0]))
    lines = [columns, ["---"] * len(columns), *(asdict(row).values() for row in rows)]
    table = "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)
    display(Markdown(table))  # type: ignore[no-untyped-call]


def show_slider(
    name: str, values: Sequence[Any], draw: Callable[[Any], tuple[Figure, str]]
) -> None:
    """Display a slider over `values`, and below it what `draw` returns for the chosen one.

    `draw(value)` returns a figure and the sentence that reads it, as `show` takes them. It is
    called at once for the first value, and again whenever the slider moves.
    """
    slider = widgets.SelectionSlider(
        options=list(values),
        description=name,
        continuous_update=False,  # One picture for each move, not one for each value passed.
        style={"description_width": "initial"},
        # The name takes its share of this; by default a long one leaves nearly no slider.
        layout={"width": "480px"},
    )
    # Without its margin the picture fits its box, and no scrollbar stands under it.
    picture = widgets.Image(format="png", layout={"margin": "0"})
    sentence = widgets.HTML()

    def redraw(_change: Any = None) -> None:
        figure, says = draw(slider.value)
        picture.value, picture.width = _png(figure), str(_width(figure))
        sentence.value = html.escape(_plain(says))

    redraw()
    slider.observe(redraw, names="value")
    display(widgets.VBox([slider, picture, sentence]))  # type: ignore[no-untyped-call]


def show_source(thing: Any) -> None:
    """Display the source of a function, method, class or module, and where it stands.

    Raises `ValueError` when there is no Python source, as for what is written in C.
    """
    thing = inspect.unwrap(thing) if callable(thing) else thing  # What a decorator stands around.
    try:
        lines, first = inspect.getsourcelines(thing)
        file = Path(inspect.getsourcefile(thing) or "")
    except (OSError, TypeError) as error:
        raise ValueError(f"There is no Python source to show of {thing!r}.") from error
    if file.is_relative_to(project_root()):
        file = file.relative_to(project_root())
    code = textwrap.dedent("".join(lines)).rstrip()
    place = f"From `{file.as_posix()}`, line {max(first, 1)}:"
    # Four backticks, because a docstring may hold a fence of three.
    display(Markdown(f"{place}\n\n{CODE}\n\n````python\n{code}\n````\n\n</div>"))  # type: ignore[no-untyped-call]


def _png(figure: Figure) -> bytes:
    """The picture, drawn at twice the size at which it is shown, so that it is sharp."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=figure.dpi * SHARP, facecolor="white")
    return picture.getvalue()


def _width(figure: Figure) -> int:
    """The width at which a figure is shown, in pixels."""
    return int(figure.get_figwidth() * figure.dpi)


def _plain(says: str) -> str:
    """A sentence without the marks of Markdown."""
    return re.sub(r"[*`]", "", says)


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
