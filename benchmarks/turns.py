"""Arms that take turns in shuffled rounds, and their ratios with their spread as text."""

from __future__ import annotations

import random
import textwrap
from collections.abc import Awaitable, Callable, Mapping, Sequence
from statistics import median

from labsupport.measuring.arithmetic import median_interval, quartiles

__all__ = ["Turn", "in_turns", "ratio_of", "show_ratio", "show_values"]

Turn = Callable[[], Awaitable[float]]
"""Runs one arm for its turn and returns its figure: requests per second, say."""

WIDTH = 96


async def in_turns(arms: Mapping[str, Turn], rounds: int, seed: int = 1) -> dict[str, list[float]]:
    """Give every arm one turn in each round, in an order that the seed decides.

    Returns each arm's figures in the order of the rounds. Only what is measured close together
    shares the machine's mood, so compare within a round.
    """
    shuffler = random.Random(seed)
    seen: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(rounds):
        for name in shuffler.sample(list(arms), len(arms)):
            seen[name].append(await arms[name]())
    return seen


def ratio_of(above: Sequence[float], below: Sequence[float]) -> float:
    """The median over the rounds of above / below."""
    return median(a / b for a, b in zip(above, below, strict=True))


def show_values(seen: Mapping[str, Sequence[float]], unit: str) -> None:
    """Print each arm's median and quartiles."""
    print(f"{unit}, median (quartiles)")
    for name, values in seen.items():
        low, middle, high = quartiles(values)
        print(f"  {name:<34}{_figure(middle):>10} ({_figure(low)} to {_figure(high)})")


def show_ratio(
    what: str, above: Sequence[float], below: Sequence[float], why: str, aim: str = ""
) -> float:
    """Print the ratio per round with its interval, an aim if there is one, and the reason."""
    ratios = [a / b for a, b in zip(above, below, strict=True)]
    low, high = median_interval(ratios, seed=1)
    middle = median(ratios)
    print(
        f"  {what}: {_figure(middle)} (95 % interval {_figure(low)} to {_figure(high)}, "
        f"{len(ratios)} rounds{', ' + aim if aim else ''})"
    )
    print(textwrap.fill(why, WIDTH, initial_indent="      ", subsequent_indent="      "))
    return middle


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
