"""Figures as a sentence shows them."""

from __future__ import annotations

from typing import Any

__all__ = ["number"]


def number(value: Any) -> str:
    """Return `value` with three significant digits, or whole from 100 on: 0.139, 4.2, 12,345.

    None reads as "not known", which is what a percentile with too few requests behind it is.
    An empty list reads as "none". Anything else is shown as Python shows it.
    """
    if value is None:
        return "not known (too few requests)"
    if isinstance(value, list) and not value:
        return "none"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
