"""A comparison as text for a terminal: a small table, the ratio, the verdict, the conditions."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence

from labsupport.measuring import Comparison, Result

__all__ = ["describe", "fold"]

FEW_ROUNDS = 7
"""With fewer rounds than this, the interval of a ratio says little."""


def describe(comparison: Comparison, width: int) -> str:
    """Everything a person wants to know of a comparison, in lines of at most `width` columns.

    Words that are longer than a line stay whole.
    """
    results = list(comparison.results.values())
    sentences = _outcome(comparison)
    sentences += [_errors_sentence(result) for result in results if result.errors]
    sentences += [f"Ended: {comparison.ended}.", _conditions(comparison)]
    return "\n\n".join([_table(results, width), *(fold(text, width) for text in sentences)])


def fold(text: str, width: int) -> str:
    """The text in lines of at most `width` columns, its words whole."""
    return textwrap.fill(text, max(width, 20), break_long_words=False, break_on_hyphens=False)


def _outcome(comparison: Comparison) -> list[str]:
    """The ratio and what was the limit, or why the ratio says nothing."""
    outcome, rounds = f"Outcome: {comparison.conclusion()}", comparison.ratio().rounds
    if rounds < FEW_ROUNDS:
        outcome += f" With fewer than {FEW_ROUNDS} rounds, trust no interval: measure longer."
    verdict = comparison.verdict()
    return [outcome, f"Limit: {verdict.sentence}"] if verdict.concludes else [outcome]


def _errors_sentence(result: Result) -> str:
    kinds = ", ".join(f"{name} {count:,} times" for name, count in result.errors.items())
    return f"Errors: {result.name!r} had {kinds}, of {result.requests:,} requests."


def _conditions(comparison: Comparison) -> str:
    seen = comparison.conditions
    parts = [f"asyncpg {seen.asyncpg}", f"Python {seen.python}", seen.platform]
    parts += [f"{seen.cpu_count} CPUs", *(f"{name} {value}" for name, value in seen.facts.items())]
    return f"Conditions: {', '.join(parts)}; {seen.when}."


ROWS: dict[str, Callable[[Result], str]] = {
    "answered per second": lambda result: _figure(result.throughput),
    "  quartiles": lambda result: " to ".join(
        _figure(result.throughput_quartiles[index]) for index in (0, 2)
    ),
    "p50 ms": lambda result: _figure(result.percentile(50)),
    "p95 ms": lambda result: _figure(result.percentile(95)),
    "p99 ms": lambda result: _figure(result.percentile(99)),
    "mean ms": lambda result: _figure(result.mean_ms),
    "  connecting": lambda result: _figure(result.part_ms("connect")),
    "  waiting for one": lambda result: _figure(result.part_ms("wait")),
    "  using it": lambda result: _figure(result.part_ms("use")),
    "requests": lambda result: f"{result.requests:,}",
    "errors": lambda result: f"{sum(result.errors.values()):,}",
}


def _table(results: Sequence[Result], width: int) -> str:
    """A column for each arm; on a narrow terminal one arm below the other."""
    columns = [_column(result) for result in results]
    wide = "\n".join(_rows(columns))
    if max(map(len, wide.splitlines())) <= width:
        return wide
    return "\n\n".join("\n".join(_rows([column])) for column in columns)


def _column(result: Result) -> list[str]:
    cells = [result.name, *(show(result) for show in ROWS.values())]
    return [cell.rjust(max(map(len, cells))) for cell in cells]


def _rows(columns: Sequence[Sequence[str]]) -> list[str]:
    labels = ["", *ROWS]
    room = max(map(len, labels))
    lines = zip(labels, *columns, strict=True)
    return ["   ".join([label.ljust(room), *cells]).rstrip() for label, *cells in lines]


def _figure(value: float | None) -> str:
    """Three significant digits, or whole from 100 on; "-" for what is not known."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
