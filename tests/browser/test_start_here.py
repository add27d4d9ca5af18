"""Lesson 00 in a browser: it runs, its slider moves, and the stop button ends a cell."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.jupyterlab import ERROR, Notebook
from tests.browser.seeing import drawing

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def lesson(first_notebook: Notebook) -> Notebook:
    """Lesson 00, after all its cells have run."""
    first_notebook.run_all(limit=60)
    return first_notebook


def test_all_cells_run_and_every_claim_holds(lesson: Notebook) -> None:
    assert lesson.errors() == []
    assert lesson.failed_claims() == []
    expect(lesson.cell("await finish(lab)")).to_contain_text("All 5 claims held.")
    expect(lesson.claims()).to_have_count(5)


def test_nothing_pops_up(lesson: Notebook) -> None:
    assert lesson.interruptions() == []


def test_the_checks_are_a_table_and_the_plot_is_a_picture(lesson: Notebook) -> None:
    checks = lesson.cell("await run_checks()").locator("table")
    expect(checks.locator("th")).to_have_text(["name", "state", "detail", "mend"])
    assert checks.locator("tbody tr").count() > 5
    lesson.keep_picture(checks, "00_checks")
    (plot,) = lesson.plots().all()
    assert drawing(plot).ink > 0.01
    lesson.keep_picture(plot, "00_plot")


def test_the_slider_moves_and_its_sentence_follows(lesson: Notebook) -> None:
    cell = lesson.cell("slider = widgets.IntSlider")
    slider = cell.get_by_role("slider")
    expect(cell.locator(".jp-OutputArea")).to_contain_text("25 clients want")
    slider.focus()
    for _ in range(5):
        lesson.page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "30")
    expect(cell.locator(".jp-OutputArea")).to_contain_text("30 clients want")
    expect(cell.locator(".jp-OutputArea")).to_contain_text("20 of them wait")
    lesson.keep_picture(cell, "00_slider")


def test_the_stop_button_ends_a_cell_that_hangs(lesson: Notebook) -> None:
    hung = lesson.add_cell_at_the_end("import asyncio\nprint('now')\nawait asyncio.Event().wait()")
    expect(hung.locator(".jp-OutputArea")).to_contain_text("now")
    expect(lesson.running_cells()).to_have_count(1)
    lesson.page.get_by_role("button", name="Interrupt the kernel").click()
    expect(hung.locator(ERROR)).to_contain_text("This cell was stopped in line 3")
    expect(lesson.running_cells()).to_have_count(0)
    lesson.keep_picture(hung, "00_hung_after_stop")
    other = lesson.add_cell_at_the_end("print('going ' * 2)")
    expect(other).to_contain_text("going going")
