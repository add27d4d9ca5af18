"""The live view in JupyterLab: it moves during a load, by keyboard too, and says it in words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.jupyterlab import Notebook
from tests.browser.seeing import contrast

pytestmark = pytest.mark.timeout(240)

SECONDS = 20
CODE = f"""
import random
import asyncpg
from labsupport.lessons import begin
from labsupport.measuring import ClosedLoop, live, measure, quiet, sessions_of
from labsupport.pooling import DatabasePool, LeakWatch
here = (await begin("00")).arguments
watcher = await asyncpg.connect(**here)
loans = LeakWatch()
pool = DatabasePool(loans)
where = {{name: here[name] for name in ("host", "port", "user", "password", "database")}}
await pool.initialize(**where, min_size=2, max_size=6)
async def request():
    async with pool.acquire() as connection:
        await connection.execute(f"SELECT pg_sleep({{random.random() / 5}})")
gauges = {{"sessions": sessions_of(watcher), "connections": loans.loans}}
async with live(pool.get_pool_stats, **gauges) as view:
    await measure(request, ClosedLoop(clients=3, seconds=2, warmup=0), progress=quiet())
    await measure(request, ClosedLoop(clients=12, seconds={SECONDS}, warmup=0), progress=quiet())
await pool.close()
await watcher.close()
"""
LOOK = """widget => ({
    states: [...widget.querySelectorAll('.pool-cell')].map(cell => cell.dataset.state),
    dots: widget.querySelectorAll('.pool-dot').length,
    queue: widget.querySelector('.pool-queue').innerText,
    server: widget.querySelector('.pool-server').innerText,
    clock: widget.querySelector('.pool-clock').textContent,
    text: widget.querySelector('.pool-text').textContent,
    detail: widget.querySelector('.pool-detail').textContent,
})"""


def look(widget: Locator) -> dict[str, Any]:
    """Everything that the widget shows, at one moment."""
    seen: dict[str, Any] = widget.evaluate(LOOK)
    return seen


@pytest.fixture(scope="module")
def running(first_notebook: Notebook) -> Locator:
    """The widget of a load that has just begun to run, and goes on for `SECONDS`."""
    cell = first_notebook.add_cell_at_the_end(CODE)
    widget = cell.locator(".pool-live")
    expect(widget.locator('.pool-cell[data-state="used"]').first).to_be_visible(timeout=60_000)
    return widget


def test_cells_and_queue_move_and_the_text_says_the_same(running: Locator, page: Page) -> None:
    seen = []
    for _ in range(30):
        seen.append(look(running))
        page.wait_for_timeout(100)
    assert len({one["clock"] for one in seen}) > 5
    assert len({tuple(one["states"]) for one in seen}) > 1
    assert max(one["states"].count("used") for one in seen) == 6
    for one in seen:
        assert len(one["states"]) == 6
        used, waiting = one["states"].count("used"), one["dots"]
        assert f"{used} of at most 6 connections in use" in one["text"]
        assert re.search(rf"\b{waiting} requests? waiting", one["text"])
        assert f"{waiting} request" in one["queue"]
        sessions = re.search(r"\d+ sessions?", one["server"])
        assert sessions is None or f"{sessions[0]} seen by the server" in one["text"]
    assert max(one["dots"] for one in seen) > 0
    assert any("6 sessions" in one["server"] for one in seen)
    expect(running.locator(".pool-spoken")).to_contain_text("connections in use")


def test_the_keyboard_moves_between_connections_and_pauses(
    running: Locator, first_notebook: Notebook, page: Page
) -> None:
    before = first_notebook.cells().count()
    running.locator(".pool-pause").focus()
    page.keyboard.press("Tab")
    expect(running.locator(".pool-cell").nth(0)).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(running.locator(".pool-cell").nth(2)).to_be_focused()
    expect(running.locator(".pool-detail")).to_contain_text(
        re.compile(r"^Connection 3 of 6: in use, out for \d\.\d s, borrowed by \S+\.$")
    )
    page.keyboard.press("End")
    expect(running.locator(".pool-cell").nth(5)).to_be_focused()
    page.keyboard.press("p")
    stopped = look(running)
    page.wait_for_timeout(700)
    assert look(running) == stopped
    expect(running.locator(".pool-pause")).to_have_text("Resume")
    expect(running.locator(".pool-spoken")).to_have_text(re.compile("paused; the load goes on"))
    page.keyboard.press("Space")
    expect(running.locator(".pool-clock")).not_to_have_text(stopped["clock"])
    expect(running.locator(".pool-cell").nth(5)).to_be_focused()
    assert first_notebook.cells().count() == before
    expect(first_notebook.running_cells()).to_have_count(1)


def test_who_wants_less_motion_sees_one_drawing_a_second(running: Locator, page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    clocks = []
    for _ in range(25):
        clocks.append(look(running)["clock"])
        page.wait_for_timeout(100)
    page.emulate_media(reduced_motion="no-preference")
    assert 1 < len(set(clocks)) <= 8


def test_it_can_be_read_in_both_themes_and_stays_after_the_run(
    running: Locator, first_notebook: Notebook, page: Page
) -> None:
    for theme in ("Light", "Dark"):
        first_notebook.use_theme(theme)
        first_notebook.keep_picture(running, f"live_view_{theme.lower()}")
        for part in (".pool-text", ".pool-title", ".pool-queue .pool-count", ".pool-detail"):
            assert contrast(running.locator(part)) > 4.5, part
        assert contrast(running.locator(".pool-box").first, of="border-top-color") > 1.3
    running.locator(".pool-cell").nth(2).focus()
    expect(running.locator(".pool-text")).to_contain_text("At the end of", timeout=60_000)
    expect(first_notebook.running_cells()).to_have_count(0)
    ended = look(running)
    assert ended["states"] == ["idle"] * 6
    expect(running.locator(".pool-cell").nth(2)).to_be_focused()
    cell = first_notebook.cells().last
    expect(cell).to_contain_text(re.compile("there were at most 6 of 6 connections in use"))
    assert first_notebook.errors() == []
    first_notebook.keep_picture(running, "live_view_after")
