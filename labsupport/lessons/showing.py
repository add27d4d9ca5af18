"""Show a plot the way every lesson does: the picture, a sentence that reads it, the numbers."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from IPython.display import HTML, Image, Markdown, display
from matplotlib.figure import Figure

__all__ = ["show", "show_rows"]

SHARP = 2


def show(figure: Figure, says: str, table: Any = None) -> None:
    """Display `figure`, then the sentence `says`, then `table` (a pandas DataFrame) if given.

    A figure that is not known stands as "-" in the table.

    The sentence is also the picture's alternative text, and the table holds the same numbers,
    because a screen reader cannot read a plot.
    """
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=figure.dpi * SHARP, facecolor="white")
    width = int(figure.get_figwidth() * figure.dpi)
    display(  # type: ignore[no-untyped-call]
        Image(data=picture.getvalue(), format="png", width=width, alt=re.sub(r"[*`]", "", says))  # type: ignore[no-untyped-call]
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


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
