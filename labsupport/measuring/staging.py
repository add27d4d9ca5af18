"""Where the time of one thing goes: its stages, each timed, in several arms in turn."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labsupport.measuring.arithmetic import Nanoseconds
from labsupport.measuring.conditions import Conditions, current_conditions
from labsupport.measuring.files import pack, read, read_only, unpack, write
from labsupport.measuring.load import check_requests, check_seconds
from labsupport.measuring.lock import machine_lock
from labsupport.measuring.progress import Progress, Reporter
from labsupport.measuring.recording import give_up

__all__ = ["Lap", "Staged", "Stages", "measure_stages"]

Lap = Callable[[str], None]
"""`lap("connect")` closes the stage that began at the lap before, or at the start."""

Staged = Callable[[Lap], Awaitable[object]]
"""An `async` callable that does the thing once and calls `lap` at the end of each stage."""


@dataclass(frozen=True, eq=False)
class Stages:
    """How long each stage took.

    `nanoseconds[arm][stage]` holds the exact durations, shape (number of turns that went well,),
    read only. `errors[arm]` counts the turns that failed, by the name of the exception; their
    stages are left out. `order` names the stages in the order in which they were first seen.
    """

    nanoseconds: Mapping[str, Mapping[str, Nanoseconds]] = field(repr=False)
    errors: Mapping[str, Mapping[str, int]]
    order: tuple[str, ...]
    conditions: Conditions = field(repr=False)

    @property
    def arms(self) -> tuple[str, ...]:
        """The names of the arms in their order."""
        return tuple(self.nanoseconds)

    def milliseconds(self, arm: str, stage: str) -> NDArray[np.float64]:
        """The durations of a stage in ms, in the order of the turns, shape (number of turns,).

        Raises ValueError for an arm or a stage that was not measured.
        """
        if stage not in self.nanoseconds.get(arm, {}):
            raise ValueError(f"There is no stage {stage!r} of an arm {arm!r}.")
        return self.nanoseconds[arm][stage] / 1e6

    def quartiles_ms(self, arm: str, stage: str) -> tuple[float, float, float] | None:
        """Lower quartile, median and upper quartile in ms; None when the arm lacks the stage.

        Raises ValueError for an arm that was not measured.
        """
        if arm not in self.nanoseconds:
            raise ValueError(f"There is no arm {arm!r}; there are {', '.join(self.nanoseconds)}.")
        durations = self.nanoseconds[arm].get(stage)
        if durations is None:
            return None
        low, middle, high = np.percentile(durations, [25, 50, 75]) / 1e6
        return float(low), float(middle), float(high)

    def table(self) -> pd.DataFrame:
        """A row for each arm and stage: times, lower quartile, median and upper quartile in ms."""
        rows = []
        for arm, stages in self.nanoseconds.items():
            for stage in self.order:
                found = self.quartiles_ms(arm, stage)
                if found is not None:
                    rows.append((arm, stage, len(stages[stage]), *found))
        columns = ["arm", "stage", "times", "lower quartile ms", "median ms", "upper quartile ms"]
        return pd.DataFrame(rows, columns=columns).set_index(["arm", "stage"])

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save as one JSON file; LabError when that is not possible."""
        payload = {
            "conditions": self.conditions.to_payload(),
            "order": self.order,
            "errors": self.errors,
            "nanoseconds": {
                arm: {stage: pack(durations) for stage, durations in stages.items()}
                for arm, stages in self.nanoseconds.items()
            },
        }
        return write(path, "stages", payload)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Stages:
        """Read what `save` wrote; LabError when the file is broken or something else."""
        return read(path, "stages", cls._from_payload)

    @classmethod
    def _from_payload(cls, payload: Mapping[str, Any]) -> Stages:
        return cls(
            nanoseconds={
                arm: {stage: unpack(packed) for stage, packed in stages.items()}
                for arm, stages in payload["nanoseconds"].items()
            },
            errors=payload["errors"],
            order=tuple(payload["order"]),
            conditions=Conditions.from_payload(payload["conditions"]),
        )


class _Turns:
    """The turns of one arm so far."""

    def __init__(self, staged: Staged) -> None:
        self.staged = staged
        self.durations: dict[str, list[int]] = {}
        self.errors: Counter[str] = Counter()

    async def run(self, patience: float, counts: bool) -> bool:
        """Do the thing once and keep its stages if it `counts`. False when it did not end."""
        stages: dict[str, int] = {}
        last = perf_counter_ns()

        def lap(stage: str) -> None:
            nonlocal last
            now = perf_counter_ns()
            stages[stage] = stages.get(stage, 0) + now - last
            last = now

        async def turn() -> None:
            nonlocal last
            last = perf_counter_ns()
            await self.staged(lap)

        task = asyncio.create_task(turn())
        try:
            await asyncio.wait([task], timeout=patience)
            finished = task.done()
        finally:
            await give_up([task])
        if not finished:
            self.errors[f"not finished within {patience:g} s"] += 1
        elif task.cancelled() or (error := task.exception()) is not None:
            name = "CancelledError" if task.cancelled() else type(error).__name__
            self.errors[name] += counts
        elif counts:
            for stage, nanoseconds in stages.items():
                self.durations.setdefault(stage, []).append(nanoseconds)
        return finished


async def measure_stages(
    arms: Mapping[str, Staged],
    times: int = 40,
    *,
    seed: int = 1,
    patience: float = 10.0,
    facts: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Stages:
    """Let every arm do its thing `times` times, in turns whose order the `seed` decides.

    A first turn of every arm is thrown away. A turn that fails is counted as an error; one that
    has not ended after `patience` seconds ends the whole. Waits for the measuring lock of this
    machine. Raises ValueError or TypeError for arguments that make no sense, LabError when the
    lock is not free.
    """
    check_requests(arms, least=1)
    check_seconds("patience", patience)
    if not isinstance(times, int) or times < 1:
        raise ValueError(f"times must be a whole number, one or more; it is {times!r}.")
    conditions = current_conditions({"times": times, "patience": patience}, seed, facts)
    turns = {name: _Turns(staged) for name, staged in arms.items()}
    shuffler = random.Random(seed)
    reporter = Reporter(progress)
    start = perf_counter_ns()
    async with machine_lock(say=reporter.say):
        finished = True
        for number in range(times + 1):
            for name in shuffler.sample(list(turns), len(turns)):
                finished = await turns[name].run(patience, counts=number > 0) and finished
                reporter.report(number / (times + 1), f"turn {number} of {times}")
            if not finished:
                break
    seconds = (perf_counter_ns() - start) / 1e9
    ending = "all turns done" if finished else "a turn did not finish"
    reporter.finish(f"{number} turns of {len(turns)} arms in {seconds:.1f} s; {ending}")
    return Stages(
        nanoseconds={
            name: {stage: read_only(values) for stage, values in turn.durations.items()}
            for name, turn in turns.items()
        },
        errors={name: dict(turn.errors) for name, turn in turns.items()},
        order=tuple(dict.fromkeys(stage for turn in turns.values() for stage in turn.durations)),
        conditions=conditions,
    )
