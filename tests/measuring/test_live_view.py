"""The live view: what it sends, what it says where nobody can see it, and what it leaves behind."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from labsupport.measuring import live
from labsupport.measuring.live_view import Frame, frame_of, view, widget

ROW = {"acquired_count": 7.0, "idle_count": 2.0, "max_size": 10.0, "queue_size": 3.0}
POOL_WIDGET = widget.PoolWidget
WIDGET = "application/vnd.jupyter.widget-view+json"


def test_a_frame_holds_the_numbers_and_the_same_in_words() -> None:
    frame = frame_of(1.25, {**ROW, "sessions": 9.0})
    assert frame == Frame(
        seconds=1.25, used=7, idle=2, most=10, waiting=3, sessions=9, out=[], done=False,
        text="After 1.2 s: 7 of at most 10 connections in use, 2 idle, 3 requests waiting, "
        "9 sessions seen by the server.",
    )  # fmt: skip


def test_what_is_not_known_is_left_out_of_the_words() -> None:
    frame = frame_of(0.0, {"acquired_count": 1.0, "sessions": float("nan")}, done=True)
    assert frame["text"] == "At the end of 0.0 s: 1 connections in use."
    assert (frame["sessions"], frame["waiting"], frame["most"]) == (None, None, None)
    trouble = frame_of(1.0, {}, trouble="Looking at the pool failed.")
    assert trouble["text"] == "After 1.0 s: the pool cannot be seen. Looking at the pool failed."


def test_one_is_not_many() -> None:
    words = frame_of(2.0, {"queue_size": 1.0, "sessions": 1.0})["text"]
    assert words == "After 2.0 s: 1 request waiting, 1 session seen by the server."


def test_who_has_a_connection_is_said_as_far_as_it_is_known() -> None:
    loan = SimpleNamespace(task="Task-5", held_seconds=1.234, stack=("a", "b"))
    frame = frame_of(1.0, ROW, [loan, SimpleNamespace(pid=4711)])
    assert frame["out"] == [(None, 1.2, "Task-5"), (4711, None, "")]


def test_a_frame_is_one_small_message() -> None:
    row = {**ROW, "acquired_count": 200.0, "max_size": 200.0, "queue_size": 10_000.0}
    assert len(json.dumps(frame_of(119.9, row))) < 400


class Notebook:
    """Stands for the notebook: keeps what is displayed and every frame that the widget gets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shown: list[dict[str, Any]] = []
        self.frames: list[Frame] = []
        monkeypatch.setattr(view, "_in_a_notebook", lambda: True)
        monkeypatch.setattr(view, "_display", self.display)
        monkeypatch.setattr(widget, "PoolWidget", self.widget)

    def display(self, bundle: dict[str, Any], **options: Any) -> Any:
        self.shown.append(bundle)
        return SimpleNamespace(update=self.display)

    def widget(self, **traits: Any) -> Any:
        drawing = POOL_WIDGET(**traits)
        drawing.observe(lambda change: self.frames.append(change["new"]), "frame")
        return drawing


async def test_every_sample_is_a_frame_and_the_last_one_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notebook = Notebook(monkeypatch)
    count = iter(range(10_000))
    async with live(lambda: {**ROW, "acquired_count": next(count)}, every=0.01) as shown:
        async with asyncio.timeout(30):
            while len(notebook.frames) < 5:
                await asyncio.sleep(0.01)
    used = [frame["used"] for frame in notebook.frames]
    assert used[:-1] == shown.line.columns["acquired_count"].tolist()
    assert used == [*range(len(used) - 1), used[-2]]
    assert [frame["done"] for frame in notebook.frames[-2:]] == [False, True]
    first, updated, sentence = notebook.shown
    assert first[WIDGET] == updated[WIDGET]
    assert first["text/plain"] == "Connection pool"
    assert updated["text/html"].startswith("<img ")
    assert "data:image/png;base64," in updated["text/html"]
    assert sentence == {"text/plain": shown.line.sentence}
    assert shown.line.sentence in updated["text/html"]


async def test_saved_html_shows_the_time_line_only_when_the_notebook_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notebook = Notebook(monkeypatch)
    async with live(lambda: ROW, history=False) as shown:
        await asyncio.sleep(0.05)
    _, updated, sentence = notebook.shown
    assert updated["text/html"] == f"<p>{view.MOVED}</p>"
    assert sentence == {"text/plain": shown.line.sentence}


async def test_what_fails_in_the_drawing_does_not_touch_the_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    notebook = Notebook(monkeypatch)

    def out() -> list[Any]:
        raise KeyError("gone")

    async with live(lambda: ROW, connections=out, every=0.01) as shown:
        await asyncio.sleep(0.05)
    assert "Looking at the connections failed" in shown.line.notes[0]
    assert "Looking at the connections failed" in notebook.frames[-1]["text"]
    assert shown.line.most("queue_size") == 3


async def test_a_block_that_fails_leaves_a_readable_view(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = Notebook(monkeypatch)
    with pytest.raises(ZeroDivisionError):
        async with live(lambda: ROW):
            raise ZeroDivisionError
    assert notebook.frames[-1]["done"]
    assert "7 of 10 connections in use" in notebook.shown[-1]["text/plain"]


def test_without_a_notebook_the_sentence_is_printed_and_no_widget_is_loaded() -> None:
    code = """
import asyncio, sys
from labsupport.measuring import live
async def main():
    async with live(lambda: {"acquired_count": 2, "max_size": 5}):
        await asyncio.sleep(0.01)
asyncio.run(main())
sys.exit("anywidget" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(" s there were at most 2 of 5 connections in use.\n")


def test_an_executed_notebook_is_readable_without_its_widget() -> None:
    code = """
import asyncio
from labsupport.measuring import live
async with live(lambda: {"acquired_count": 2, "idle_count": 1, "max_size": 5}) as view:
    await asyncio.sleep(0.3)
    view.mark("here")
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=60, store_widget_state=False).execute()
    drawing, sentence = notebook.cells[0].outputs
    assert WIDGET in drawing["data"]
    assert "at most 2 of 5 connections in use. Marked: here" in sentence["data"]["text/plain"]
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert 'alt="In 0.' in page
    assert "at most 2 of 5 connections in use" in page
    assert "widget-view" not in page
