"""Checks of numbers that are given to a calculation, with one sentence for each mistake."""

from __future__ import annotations

import math
from numbers import Integral, Real

__all__ = ["percentage", "positive", "variation", "whole"]


def positive(name: str, value: float, unit: str) -> None:
    """Raise ValueError unless `value` is a number above 0; `unit` says of what."""
    if not (_is_number(value) and 0 < value < math.inf):
        raise ValueError(f"{name} is {value!r}. Give a number above 0 ({unit}).")


def whole(name: str, value: int, *, least: int) -> None:
    """Raise ValueError unless `value` is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{name} is {value!r}. Give a whole number, {least} or more.")


def variation(name: str, value: float) -> None:
    """Raise ValueError unless `value` is a squared coefficient of variation."""
    if not (_is_number(value) and 0 <= value < math.inf):
        raise ValueError(f"{name} is {value!r}. A squared coefficient of variation is 0 or more.")


def percentage(name: str, value: float) -> None:
    """Raise ValueError unless `value` is a percentage between 0 and 100, without both."""
    if not (_is_number(value) and 0 < value < 100):
        raise ValueError(f"{name} is {value!r}. Give a number between 0 and 100, like 99.")


def _is_number(value: object) -> bool:
    """Whether it is a number of Python or of numpy; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool)
