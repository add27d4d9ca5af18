"""Claims that a reader may believe, because a cell has just checked them."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from IPython.display import display

from labsupport.lessons.numbers import number

__all__ = [
    "Claim",
    "Expectation",
    "at_least",
    "at_most",
    "between",
    "failed",
    "forget_all",
    "less_than",
    "more_than",
    "remembered",
    "verify",
]


@dataclass(frozen=True)
class Expectation:
    """Something to expect of a value that is not one exact value."""

    text: str
    holds: Callable[[Any], bool]


def more_than(limit: float) -> Expectation:
    """Expect a number greater than `limit`."""
    return Expectation(f"more than {number(limit)}", lambda seen: bool(seen > limit))


def less_than(limit: float) -> Expectation:
    """Expect a number smaller than `limit`."""
    return Expectation(f"less than {number(limit)}", lambda seen: bool(seen < limit))


def at_least(limit: float) -> Expectation:
    """Expect `limit` or more."""
    return Expectation(f"at least {number(limit)}", lambda seen: bool(seen >= limit))


def at_most(limit: float) -> Expectation:
    """Expect `limit` or less."""
    return Expectation(f"at most {number(limit)}", lambda seen: bool(seen <= limit))


def between(low: float, high: float) -> Expectation:
    """Expect a number from `low` to `high`, both included."""
    return Expectation(
        f"from {number(low)} to {number(high)}", lambda seen: bool(low <= seen <= high)
    )


@dataclass(frozen=True)
class Claim:
    """One claim and what was seen of it. It shows itself as a tick or a cross."""

    text: str
    seen: str
    expected: str
    holds: bool
    if_not: str

    def __repr__(self) -> str:
        if self.holds:
            return f"[holds] {self.text} Seen: {self.seen} (expected: {self.expected})."
        return (
            f"[DOES NOT HOLD] {self.text} Seen: {self.seen}. Expected: {self.expected}. "
            f"Likely reasons: {self.if_not}"
        )

    def _repr_html_(self) -> str:
        mark, word = ("&#10003;", "Holds") if self.holds else ("&#10007;", "Does not hold")
        colour = "#1a7f37" if self.holds else "#c4320a"
        seen = f"Seen: {html.escape(self.seen)}. Expected: {html.escape(self.expected)}."
        reasons = "" if self.holds else f"<br>Likely reasons: {html.escape(self.if_not)}"
        return (
            f'<div style="border-left: 4px solid {colour}; padding: 2px 10px">'
            f"<strong>{mark} {word}:</strong> {html.escape(self.text)} "
            f"<small>{seen}</small>{reasons}</div>"
        )


_claims: dict[str, Claim] = {}


def verify(claim: str, seen: Any, expected: Any, if_not: str = "") -> None:
    """Check a claim, show a tick or a cross, and go on either way.

    `expected` is a value that `seen` must equal, or an expectation such as `more_than(3)`.
    `if_not` names the likely reasons when the claim does not hold. `finish` fails at the end of
    the notebook when any claim did not. Running a cell again replaces what it claimed before.
    """
    expectation = expected
    if not isinstance(expected, Expectation):
        expectation = Expectation(number(expected), lambda value: bool(value == expected))
    _claims[claim] = Claim(
        text=claim,
        seen=number(seen),
        expected=expectation.text,
        holds=expectation.holds(seen),
        if_not=if_not or "another program kept this machine busy; run the cell again.",
    )
    display(_claims[claim])  # type: ignore[no-untyped-call]


def remembered() -> list[Claim]:
    """Return the claims that this kernel's cells have checked so far."""
    return list(_claims.values())


def failed() -> list[Claim]:
    """Return those of them that did not hold."""
    return [claim for claim in _claims.values() if not claim.holds]


def forget_all() -> None:
    """Forget every claim: a lesson begins."""
    _claims.clear()
