"""Whether an answer was begun at all, and how it travels to another process."""

from __future__ import annotations

import dis
import functools
import inspect
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import cloudpickle

__all__ = ["Unsuitable", "functions_of", "pack", "untouched"]

LARGEST = 20_000_000
"""Bytes; an answer is code, and not data."""


class Unsuitable(Exception):
    """What was given as an answer cannot be one; the text says what to give."""


def untouched(answer: Any) -> bool:
    """Whether `answer` is None or holds nothing but functions without a body."""
    if answer is None or answer is Ellipsis:
        return True
    plain = not inspect.isclass(answer) or _adds_nothing_by_its_base(answer)
    suitable = inspect.isclass(answer) or inspect.isfunction(answer)
    return plain and suitable and all(_is_stub(function) for function in functions_of(answer))


def _adds_nothing_by_its_base(answer: type) -> bool:
    """Whether its base is `object`, or a class of the lab's that the task itself gives."""
    return all(
        base is object or base.__module__.startswith("labsupport.") for base in answer.__bases__
    )


def functions_of(answer: Any) -> Iterator[FunctionType]:
    """The function itself, or the functions that a class defines."""
    members = vars(answer).values() if inspect.isclass(answer) else [answer]
    for member in members:
        inner = member.fget if isinstance(member, property) else member
        if isinstance(inner, functools.partial):
            inner = inner.func
        inner = getattr(inner, "__func__", inner)
        if callable(inner) and isinstance(function := inspect.unwrap(inner), FunctionType):
            yield function


def pack(answer: Any) -> bytes:
    """Return `answer` as bytes. Raises `Unsuitable` for what is neither class nor function."""
    if inspect.iscoroutine(answer):
        answer.close()
        raise Unsuitable(
            "The answer is a coroutine object: the function was called. Give the function itself, "
            "its name without parentheses."
        )
    if not (inspect.isclass(answer) or inspect.isroutine(answer) or _is_partial(answer)):
        raise Unsuitable(
            f"The answer is an object of the class {type(answer).__name__}. Give the class or the "
            "function itself, its name without parentheses: the check makes its own objects."
        )
    try:
        packed: bytes = cloudpickle.dumps(answer)
    except Exception as error:
        raise Unsuitable(
            f"The answer cannot be sent to another process ({type(error).__name__}: {error}). It "
            "probably uses something of the notebook that lives, such as an open pool, a lock or a "
            "file. Make such things inside your class or function."
        ) from error
    if len(packed) > LARGEST:
        raise Unsuitable(
            f"The answer takes {len(packed) / 1e6:.0f} MB with the data of the notebook that it "
            "uses. Pass data as arguments, or make them inside your class or function."
        )
    return packed


def _is_partial(answer: Any) -> bool:
    return isinstance(answer, functools.partial)


def _is_stub(function: FunctionType) -> bool:
    code = function.__code__
    nothing = (None, Ellipsis, function.__doc__)
    return (
        {step.opname for step in dis.get_instructions(code)} <= _stub_operations()
        and set(code.co_names) <= {"NotImplementedError"}
        and all(any(value is known for known in nothing) for value in code.co_consts)
    )


@functools.cache
def _stub_operations() -> frozenset[str]:
    """The operations that functions without a body have in this version of Python."""

    def dots() -> None: ...

    def refuses() -> None:
        raise NotImplementedError

    async def dots_later() -> None: ...

    async def refuses_later() -> None:
        raise NotImplementedError

    examples = (dots, refuses, dots_later, refuses_later)
    return frozenset(step.opname for each in examples for step in dis.get_instructions(each))
