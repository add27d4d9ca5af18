"""What a check says: one of three outcomes, in words, with what was observed."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Outcome", "Result", "in_html"]

Outcome = Literal["not attempted", "not yet", "correct"]

MARKS = {"not attempted": "&#8230;", "not yet": "&#10007;", "correct": "&#10003;"}
COLOURS = {"not attempted": "#6e7781", "not yet": "#c4320a", "correct": "#1a7f37"}


@dataclass(frozen=True)
class Result:
    """The outcome of one check. It shows itself in a notebook and in a terminal."""

    task: str
    """The exercise's id."""
    outcome: Outcome
    message: str
    observed: Mapping[str, Any] = field(default_factory=dict)
    """What was seen, by name."""
    printed: tuple[str, ...] = ()
    """The first lines of what the answer printed."""

    def __repr__(self) -> str:
        lines = [f"[{self.outcome}] Exercise {self.task}. {self.message}"]
        lines += [f"  {name}: {value}" for name, value in self.observed.items()]
        lines += [f"  printed: {line}" for line in self.printed]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        seen = "".join(
            f"<li>{html.escape(name)}: {html.escape(str(value))}</li>"
            for name, value in self.observed.items()
        )
        printed = html.escape("\n".join(self.printed))
        return (
            f'<div style="border-left: 4px solid {COLOURS[self.outcome]}; padding: 2px 10px">'
            f"<strong>{MARKS[self.outcome]} Exercise {self.task}: {self.outcome}.</strong> "
            f"{in_html(self.message)}"
            + (f"<ul>{seen}</ul>" if seen else "")
            + (f"<div>Your code printed:</div><pre>{printed}</pre>" if printed else "")
            + "</div>"
        )


def in_html(text: str) -> str:
    """Return a text as HTML; what stands between backticks is shown as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
