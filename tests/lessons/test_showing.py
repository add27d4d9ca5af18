"""What a lesson shows beside its plots: a slider with its picture, and the lab's own code."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import pytest
from matplotlib.figure import Figure

from labsupport.lessons import show_slider, show_source, showing
from labsupport.pooling import DatabasePool, PooledDatabase


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the cell displayed, in order."""
    seen: list[Any] = []
    monkeypatch.setattr(showing, "display", seen.append)
    return seen


def test_source_is_shown_with_the_place_where_it_stands(displayed: list[Any]) -> None:
    show_source(DatabasePool.acquire)
    [shown] = displayed
    assert "From `labsupport/pooling/pool.py`, line " in shown.data
    assert "\ndef acquire(self, " in shown.data, "a method is shown without its indentation"
    assert "\ndef release(" not in shown.data
    assert shown.data.count("````") == 2
    assert "white-space: pre !important" in shown.data, "its lines are not broken"


def test_a_decorated_method_is_shown_and_not_its_decorator(displayed: list[Any]) -> None:
    show_source(PooledDatabase.connection)
    [shown] = displayed
    assert "From `labsupport/pooling/database.py`, line " in shown.data
    assert "async def connection(self)" in shown.data


def test_a_class_and_a_module_are_shown_whole(displayed: list[Any]) -> None:
    show_source(DatabasePool)
    show_source(showing)
    assert "async def initialize(" in displayed[0].data
    assert "From `labsupport/lessons/showing.py`, line 1:" in displayed[1].data


@pytest.mark.parametrize("thing", [len, 3, "text"])
def test_what_has_no_python_source_is_refused_with_a_sentence(thing: Any) -> None:
    with pytest.raises(ValueError, match="There is no Python source to show of"):
        show_source(thing)


def test_moving_the_slider_draws_the_picture_and_the_sentence_anew(displayed: list[Any]) -> None:
    def draw(value: int) -> tuple[Figure, str]:
        figure = Figure(figsize=(4, 2), dpi=50)
        figure.add_subplot().plot([0, value])
        return figure, f"Of **{value}** < 10"

    show_slider("Tasks", [1, 2, 5], draw)
    [box] = displayed
    slider, picture, sentence = box.children
    assert isinstance(slider, widgets.SelectionSlider)
    before = bytes(picture.value)
    assert before.startswith(b"\x89PNG") and picture.width == "200"
    assert sentence.value == "Of 1 &lt; 10"
    slider.value = 5
    assert sentence.value == "Of 5 &lt; 10"
    assert bytes(picture.value).startswith(b"\x89PNG") and bytes(picture.value) != before
