"""What a learner changed in a notebook and saved is there when the lab is started again."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.jupyterlab import Notebook
from tests.commands.running import Lab

pytestmark = pytest.mark.timeout(180)


def test_a_guess_is_there_after_a_second_start(
    first_notebook: Notebook, labs: list[Lab], clone: Path, page: Page
) -> None:
    guess = first_notebook.cell('predict("00.1"')
    guess.get_by_text("None", exact=True).dblclick()
    page.keyboard.type("7")
    expect(guess).to_contain_text('predict("00.1", 7)')
    page.keyboard.press("Control+s")
    expect(first_notebook.unsaved()).to_have_count(0)

    labs[0].launcher.send_signal(signal.SIGINT)
    assert labs[0].launcher.wait(timeout=40) == 0
    first_notebook.keep_picture(guess, "00_lab_has_ended")
    page.goto("about:blank")

    labs.append(Lab(clone, "--port", labs[0].address.rpartition(":")[2]))
    again = Notebook(page).opened_at(labs[1].ready())
    assert again.interruptions() == []
    expect(again.cell('predict("00.1"')).to_contain_text('predict("00.1", 7)')
    again.run_all(limit=60)
    result = again.cell("guessed('00.1')")
    expect(result.locator(".jp-OutputArea")).to_contain_text("You guessed 7.")
    assert again.errors() == []
    again.keep_picture(result, "00_second_start")
