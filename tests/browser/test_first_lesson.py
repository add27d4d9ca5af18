"""Lesson 01 in a browser: five pictures that can be read, in the light and in the dark theme."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.jupyterlab import Notebook
from tests.browser.seeing import contrast, drawing

pytestmark = pytest.mark.timeout(240)

OUTPUT = "ancestor::*[contains(concat(@class, ' '), 'jp-OutputArea-child ')]"
MARKDOWN = ".jp-RenderedMarkdown"
WHITE = [255, 255, 255, 255]
READABLE_TEXT = 4.5
READABLE_SHAPE = 3.0
"""The least contrast that WCAG 2 asks for at level AA, for text and for what is not text."""


@pytest.fixture(scope="module")
def lesson(first_notebook: Notebook) -> Notebook:
    """Lesson 01, after all its cells have run."""
    lesson = first_notebook.opened_from_the_file_browser("01_why_pooling_matters.ipynb")
    lesson.run_all(limit=120)
    return lesson


def test_all_cells_run_and_every_claim_holds(lesson: Notebook) -> None:
    assert lesson.errors() == []
    assert lesson.failed_claims() == []
    claims = lesson.claims().count()
    assert claims > 15
    expect(lesson.cell("await finish(lab)")).to_contain_text(f"All {claims} claims held.")
    assert lesson.interruptions() == []


def test_each_of_five_pictures_has_a_sentence_below_it(lesson: Notebook) -> None:
    expect(lesson.plots()).to_have_count(5)
    for plot in lesson.plots().all():
        below = plot.locator(f"xpath={OUTPUT}/following-sibling::*[1]").locator(MARKDOWN)
        assert (below.text_content() or "").strip().endswith(".")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_pictures_and_verdicts_can_be_read(lesson: Notebook, theme: str) -> None:
    lesson.use_theme(theme)
    for number, plot in enumerate(lesson.plots().all(), start=1):
        seen = drawing(plot)
        assert seen.corner == WHITE
        assert seen.width > 1000
        assert seen.ink > 0.01
        lesson.keep_picture(plot, f"01_plot_{number}_{theme.lower()}")
    for claim in lesson.claims().all():
        assert contrast(claim, of="border-left-color") > READABLE_SHAPE
        assert contrast(claim) > READABLE_TEXT
        assert contrast(claim.locator("strong")) > READABLE_TEXT
        assert contrast(claim.locator("small")) > READABLE_TEXT
