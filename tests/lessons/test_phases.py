"""What several tasks were doing, and when: the notes, what is read from them, and the picture."""

from __future__ import annotations

import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from labsupport.lessons import Phases, phases, plot_phases
from labsupport.lessons.phases import plot_states
from labsupport.measuring.plots.style import COLOURS


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


def legend_of(axes: Axes) -> dict[str, str]:
    """The colour of each word in the legend."""
    legend = axes.get_legend()
    assert legend is not None
    words = [text.get_text() for text in legend.get_texts()]
    colours = [patch.get_facecolor() for patch in legend.get_patches()]
    return dict(zip(words, map(to_hex, colours), strict=False))


def test_the_picture_has_a_row_for_each_task_and_names_phases_and_ends(two: Phases) -> None:
    [axes] = plot_phases(two, "Three tasks").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["c", "b", "a"]
    assert list(legend_of(axes)) == ["waits", "holds"]
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


def test_a_state_has_the_same_colour_in_every_picture(clock: list[float], two: Phases) -> None:
    [first] = plot_phases(two, "Waits come first").axes
    seen = Phases()
    for word in ["free", "holds", "holds two", "looks around", "waits", "done"]:
        seen.note("a", word)
        clock[0] += 1
    [second] = plot_phases(seen, "Waits come last").axes
    [third] = plot_states({"now": {"lent out": 1, "free": 2}}, "Of a pool", "connections").axes
    assert legend_of(first)["waits"] == legend_of(second)["waits"]
    assert legend_of(second)["holds"] == legend_of(third)["lent out"]
    assert legend_of(second)["free"] == legend_of(third)["free"]
    assert len(set(legend_of(second).values())) == 5


def test_of_two_outcomes_the_good_one_is_named_first_and_green() -> None:
    for good, bad in [("stored", "lost"), ("stopped", "went on")]:
        states = {"one": {good: 1, bad: 2}, "two": {bad: 3}}
        [axes] = plot_states(states, "What became of them", "rows").axes
        assert legend_of(axes) == {good: COLOURS[2].lower(), bad: COLOURS[3].lower()}


def test_the_legend_does_not_name_what_nobody_can_see(clock: list[float]) -> None:
    seen = Phases()
    for second, word in [(0, "waits"), (0.001, "holds"), (5, "done")]:
        clock[0] = 100.0 + second
        seen.note("a", word)
    assert list(legend_of(plot_phases(seen, "A short wait").axes[0])) == ["holds"]
    assert list(legend_of(plot_phases(seen, "A long axis", seconds=5000).axes[0])) == []


def test_a_mark_is_a_line_across_all_rows_with_its_word_in_the_legend(
    clock: list[float], two: Phases
) -> None:
    clock[0] = 104.0
    two.mark("b is cancelled")
    [axes] = plot_phases(two, "A mark").axes
    [line] = axes.lines
    assert two.marks == [(4.0, "b is cancelled")]
    assert list(line.get_xdata()) == [4.0, 4.0]
    legend = axes.get_legend()
    assert legend is not None
    words = [text.get_text() for text in legend.get_texts()]
    assert words == ["waits", "holds", "b is cancelled"]


def test_states_tell_all_their_numbers_in_words_on_an_axis_of_whole_numbers() -> None:
    states = {"pool of 1": {"waits": 597, "holds": 2}, "closed": {"waits": 0, "holds": 0}}
    [axes] = plot_states(states, "Where the time went", "ms").axes
    told = [text.get_text() for text in axes.texts]
    assert sorted(told) == ["closed: none", "pool of 1: waits 597, holds 2"]
    assert sorted(bar.get_width() for bar in axes.patches) == [0, 0, 2, 597]
    [few] = plot_states({"a pool": {"free": 2}}, "Of two", "connections").axes
    assert all(tick == int(tick) for tick in few.get_xticks())
