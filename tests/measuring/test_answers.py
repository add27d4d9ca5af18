"""Answers are kept beside a watch, with its clock, and drawn below its line."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import numpy as np
import pytest

from labsupport.measuring import (
    Answers,
    OpenLoop,
    Result,
    Watch,
    measure,
    plot_time_line,
    quiet,
    watch,
)

NUMBERS = {"acquired_count": 1, "max_size": 2, "size": 2, "queue_size": 3}


class Refused(Exception):
    """What a service says that has no room."""


def seen() -> Mapping[str, object]:
    """A pool that does not change."""
    return NUMBERS


async def measured(refuse_every: int | None) -> tuple[Watch, Answers, Result]:
    """A load of which every so-many-th request is refused."""
    looking = watch(seen)
    answers = Answers(looking)
    sent = 0

    async def request() -> str:
        nonlocal sent
        sent = number = sent + 1
        await asyncio.sleep(0.01)
        if refuse_every and number % refuse_every == 0:
            raise Refused
        return "text"

    load = OpenLoop(60, seconds=0.5, warmup=0, arrivals="even")
    result = await measure(answers.of(request), load, watch=looking, progress=quiet())
    return looking, answers, result


async def test_every_answer_is_kept_as_the_result_counts_it() -> None:
    looking, answers, result = await measured(refuse_every=3)
    assert answers.counts == {
        "answered": len(result.latencies),
        "Refused": result.errors["Refused"],
    }
    assert answers.counts["Refused"] == 10
    end = looking.line.seconds[-1]
    for moments, durations in answers.by_outcome().values():
        assert moments.shape == durations.shape
        assert (moments[1:] >= moments[:-1]).all()
        assert moments[0] > 0 and moments[-1] <= end
        assert (durations >= 10).all()
        # Nothing was sent before the watch began.
        assert (moments * 1000 > durations - 1).all()


async def test_the_request_stays_what_it_is() -> None:
    answers = Answers(watch(seen))

    async def text() -> str:
        return "text"

    async def failing() -> None:
        raise Refused("no room")

    assert await answers.of(text)() == "text"
    with pytest.raises(Refused, match="no room"):
        await answers.of(failing)()


async def test_who_is_given_up_has_no_answer() -> None:
    answers = Answers(watch(seen))
    task = asyncio.ensure_future(answers.of(asyncio.Event().wait)())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=10)
    assert task.cancelled() and answers.counts == {}


@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")
@pytest.mark.parametrize("refuse_every", [None, 1, 3])
async def test_answers_are_a_panel_of_their_own(refuse_every: int | None) -> None:
    looking, answers, _ = await measured(refuse_every)
    figure = plot_time_line(looking.line, answers)
    assert figure._repr_png_().startswith(b"\x89PNG")
    _, waiting, panel = figure.axes
    assert panel.get_ylabel() == "ms until the answer"
    names = [text.get_text() for text in panel.texts]
    assert sorted(names) == sorted(f"{name}, {count}" for name, count in answers.counts.items())
    points = sum(np.size(line.get_xdata()) for line in panel.lines)
    assert points == sum(answers.counts.values())
    assert len({line.get_marker() for line in panel.lines}) == len(panel.lines)
    assert "seconds" in panel.get_xlabel() and not waiting.get_xlabel()
    width = figure.canvas.get_width_height()[0]
    assert all(text.get_window_extent().x1 <= width + 2 for text in panel.texts)


def test_no_answers_leave_an_empty_panel() -> None:
    looking = watch(seen)
    figure = plot_time_line(looking.line, Answers(looking))
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert figure.axes[-1].get_ylabel() == "ms until the answer"
