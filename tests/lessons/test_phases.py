"""What several tasks were doing, and when: the notes, what is read from them, and the picture."""

from __future__ import annotations

import pytest

from labsupport.lessons import Phases, phases, plot_phases


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that shows what stands in the list."""
    now = [100.0]
    monkeypatch.setattr(phases, "perf_counter", lambda: now[0])
    return now


@pytest.fixture
def two(clock: list[float]) -> Phases:
    """Two tasks on one connection, one after the other, and a third that gives up."""
    seen = Phases()
    for second, task, word in [
        (0, "a", "waits"),
        (0, "a", "holds"),
        (0, "b", "waits"),
        (1, "c", "waits"),
        (2, "a", "done"),
        (2, "b", "holds"),
        (3, "c", "PoolTimeout"),
        (5, "b", "done"),
    ]:
        clock[0] = 100.0 + second
        seen.note(task, word)
    return seen


def test_a_phase_lasts_until_the_next_note_of_its_task(two: Phases) -> None:
    assert two.spans("holds") == {"a": [(0, 2)], "b": [(2, 5)], "c": []}
    assert two.seconds("waits") == {"a": 0, "b": 2, "c": 2}


def test_the_last_note_of_a_task_is_its_end(two: Phases) -> None:
    assert two.ends() == {"a": "done", "b": "done", "c": "PoolTimeout"}


def test_phases_that_touch_do_not_overlap(two: Phases) -> None:
    assert two.most("holds") == 1
    assert two.most("waits") == 2
    assert two.most("sleeps") == 0


def test_phases_that_overlap_are_counted_together(clock: list[float]) -> None:
    seen = Phases()
    for second, task, word in [(0, "a", "holds"), (1, "b", "holds"), (2, "a", ""), (3, "b", "")]:
        clock[0] = 100.0 + second
        seen.note(task, word)
    assert seen.most("holds") == 2


def test_the_picture_has_a_row_for_each_task_and_names_phases_and_ends(two: Phases) -> None:
    [axes] = plot_phases(two, "Three tasks").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["c", "b", "a"]
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["waits", "holds"]
    assert sorted(text.get_text() for text in axes.texts) == ["PoolTimeout", "done", "done"]
    widths = sorted(bar.get_width() for bar in axes.patches)
    assert widths == [0, 2, 2, 2, 3]


def test_pictures_can_have_the_same_axis(two: Phases) -> None:
    ends = [
        plot_phases(two, "As long as it took").axes[0].get_xlim()[1],
        plot_phases(two, "Ten seconds", seconds=10).axes[0].get_xlim()[1],
    ]
    assert two.duration == 5
    assert ends[1] == pytest.approx(2 * ends[0])


def test_nothing_noted_is_an_empty_picture() -> None:
    [axes] = plot_phases(Phases(), "Nothing").axes
    assert not axes.patches
