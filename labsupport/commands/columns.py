"""Rows of words as columns of text, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["columns"]

GAP = "  "


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return the rows under their heads, each column as wide as its widest word."""
    widths = [max(map(len, words)) for words in zip(head, *rows, strict=True)]
    lines = [
        GAP.join(f"{word:<{width}}" for word, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]
    return "\n".join(lines)
