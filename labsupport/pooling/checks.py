"""Checks of numbers that are given to a calculation, with one sentence for each mistake."""

from __future__ import annotations

import math

__all__ = ["positive", "whole"]


def positive(name: str, value: float, unit: str) -> None:
    """Raise ValueError unless `value` is a number above 0; `unit` says of what."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"{name} is {value!r}. Give a number above 0 ({unit}).")


def whole(name: str, value: int, *, least: int) -> None:
    """Raise ValueError unless `value` is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} is {value!r}. Give a whole number, {least} or more.")
