"""Exercise 05.b: a status that is replaced as a whole, and that grows too old."""

from __future__ import annotations

from typing import Any

from labsupport.exercises.bench import Bench

__all__ = ["check"]

MAX_AGE = 10
NOTED = 1000.0
"""A second on the caller's clock, which is no clock of this machine."""
WHOLE = "the end of part 2: what is left over of the status before"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Note and read with times that are given, and look at what is left over."""
    status = await bench.run(f"LastStatus({MAX_AGE})", lambda: answer(MAX_AGE))
    bench.needs(status, ("note", "read"), f"LastStatus({MAX_AGE})")
    await _is_unknown(status, bench, NOTED, "before anything was noted")
    error = {"status": "unhealthy", "error": "no connection"}
    await _note(status, bench, NOTED, error)
    await _reads(status, bench, NOTED + 1, error, "a second later", "what note keeps")
    await _returns_its_own(status, bench, error)
    well = {"status": "healthy", "response_time": 0.01}
    await _note(status, bench, NOTED + 5, well)
    await _reads(status, bench, NOTED + 6, well, "after the next note", WHOLE)
    edge = "the task's text: whether an age of exactly max_age is too old, and whose clock counts"
    age = f"when it was {MAX_AGE} s old, with max_age={MAX_AGE}"
    await _reads(status, bench, NOTED + 5 + MAX_AGE, well, age, edge)
    await _is_unknown(status, bench, NOTED + 5 + MAX_AGE + 0.5, f"when it was {MAX_AGE}.5 s old")
    await _note(status, bench, NOTED + 50, well)
    await _reads(status, bench, NOTED + 50, well, "at the moment of the next note", edge)
    other = await bench.run("another LastStatus", lambda: answer(MAX_AGE))
    await _is_unknown(other, bench, NOTED + 50, "of a second object, before anything was noted")
    await _at_the_limits(other, bench)
    return {"age at which a status was good and too old": f"{MAX_AGE} s, {MAX_AGE}.5 s"}


async def _at_the_limits(status: Any, bench: Bench) -> None:
    """Change an unknown status, note something at the second 0, and then no facts at all."""
    when = "to change the unknown status that it returned"
    (await _read(status, bench, NOTED, when))["status"] = "changed by a caller"
    after = "after a caller had changed the unknown status that it got"
    await _is_unknown(status, bench, NOTED, after)
    well = {"status": "healthy"}
    await _note(status, bench, 0.0, well)
    look = "what tells that nothing was noted yet; 0 is a moment like any other"
    await _reads(status, bench, 1.0, well, "after a note at the second 0", look)
    await _note(status, bench, 2.0, {})
    look = "what tells that nothing was noted yet; a note without facts is a note"
    await _reads(status, bench, 3.0, {}, "after a note without facts", look)


async def _note(status: Any, bench: Bench, now: float, facts: dict[str, Any]) -> None:
    said = "".join(f", {name}={value!r}" for name, value in facts.items())
    await bench.run(f"note({now:g}{said})", lambda: status.note(now, **facts))


async def _read(status: Any, bench: Bench, now: float, when: str) -> dict[str, Any]:
    said = await bench.run(f"read({now:g}), {when}", lambda: status.read(now))
    bench.expect(
        isinstance(said, dict), f"read, {when}, returned {said!r}.", "a dictionary.", "read"
    )
    found: dict[str, Any] = said
    return found


async def _reads(
    status: Any, bench: Bench, now: float, wanted: dict[str, Any], when: str, look: str
) -> None:
    said = await _read(status, bench, now, when)
    bench.expect(
        said == wanted,
        f"read({now:g}), {when}, returned {said!r}.",
        f"what was noted last, and nothing else: {wanted!r}.",
        look,
    )


async def _is_unknown(status: Any, bench: Bench, now: float, when: str) -> None:
    said = await _read(status, bench, now, when)
    bench.expect(
        said == {"status": "unknown"},
        f"read({now:g}), {when}, returned {said!r}.",
        "{'status': 'unknown'}.",
        "part 3: what is known when nothing was noted, and when the last note is too old; and at "
        "whose clock that is seen: the caller says what time it is",
    )


async def _returns_its_own(status: Any, bench: Bench, wanted: dict[str, Any]) -> None:
    said = await _read(status, bench, NOTED + 1, "to change what it returned")
    said["status"] = "changed by a caller"
    look = "whose dictionary it is that read returns"
    await _reads(status, bench, NOTED + 1, wanted, "after a caller had changed what it got", look)
