"""Exercise 06.a: a whole number out of four places."""

from __future__ import annotations

import inspect
from typing import Any

from labsupport.exercises.bench import Bench

__all__ = ["check"]

NAME = "DB_POOL_MAX_SIZE"
OTHER = "DB_POOL_MIN_SIZE"

FOUND: tuple[tuple[Any, dict[str, str], dict[str, str], int, str], ...] = (
    (50, {NAME: "40"}, {NAME: "30"}, 50, "the program, because it says something"),
    (None, {NAME: "40"}, {NAME: "30"}, 40, "the environment, because the program says nothing"),
    (None, {OTHER: "7"}, {NAME: "30"}, 30, "the file, because nobody before it says something"),
    (None, {OTHER: "7"}, {OTHER: "3"}, 20, "the default, because nobody else says something"),
    (0, {NAME: "40"}, {NAME: "30"}, 0, "the program: 0 is a number, too"),
    (None, {NAME: "-5"}, {NAME: "30"}, -5, "the environment: -5 is a whole number, too"),
    (None, {NAME: "0"}, {NAME: "30"}, 0, "the environment: 0 is a number, too"),
    (None, {NAME: "40"}, {NAME: "many"}, 40, "the environment; what the file says does not count"),
    (50, {NAME: "many"}, {}, 50, "the program; what the environment says does not count"),
)
"""What the program, the environment and the file say, the result, and who decides."""

REFUSED: tuple[tuple[dict[str, str], dict[str, str]], ...] = (
    ({NAME: "54x2"}, {NAME: "30"}),
    ({NAME: "2.5"}, {}),
    ({}, {NAME: "many"}),
    ({NAME: ""}, {NAME: "30"}),
)


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Put one number into several places, and then texts that are none."""
    bench.expect(
        not inspect.iscoroutinefunction(answer),
        "whole_number is an async function: a call returns a coroutine, and no number.",
        "an ordinary function, without await.",
        "how the function is defined",
    )
    for program, environment, file, right, place in FOUND:
        await _found(answer, bench, (NAME, program, environment, file, 20), right, place)
    for environment, file in REFUSED:
        await _refused(answer, bench, (NAME, None, environment, file, 20))
    return {"places that were filled in different ways": len(FOUND) + len(REFUSED)}


async def _found(
    answer: Any, bench: Bench, arguments: tuple[Any, ...], right: int, place: str
) -> None:
    call = _call(arguments)
    look = f"round 1. Here decides {place}"
    value = await bench.run(call, lambda: answer(*arguments), look=look)
    bench.expect(
        not isinstance(value, str), f"{call} returned a text, {value!r}.", "a whole number.", look
    )
    bench.expect(
        type(value) is int and value == right,
        f"{call} returned {value!r}.",
        f"{right}.",
        look,
    )


async def _refused(answer: Any, bench: Bench, arguments: tuple[Any, ...]) -> None:
    call, look = _call(arguments), "what becomes of a text that is no whole number"
    expected = f"ValueError with a text that names {NAME}."
    error = await bench.must_raise(
        call, lambda: answer(*arguments), ValueError, expected=expected, look=look
    )
    bench.expect(NAME in str(error), f"{call} raised ValueError: {error}.", expected, look)


def _call(arguments: tuple[Any, ...]) -> str:
    return f"whole_number({', '.join(map(repr, arguments))})"
