"""JupyterLab as a person uses it: by its menus, its buttons and its keyboard shortcuts."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.commands.running import ROOT, Lab

__all__ = ["ERROR", "PICTURES", "Notebook"]

PICTURES = ROOT / "artefacts" / "browser"
ERROR = '[data-mime-type="application/vnd.jupyter.stderr"]'
"""How JupyterLab marks a traceback, and what was written to stderr too."""
KERNEL = "Python 3 (ipykernel)"
RUNNING = "[*]:"


class Notebook:
    """The notebook that is in front in JupyterLab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    def opened_at(self, lab: Lab) -> Notebook:
        """Go to the address that the lab has printed, and wait until a kernel is ready."""
        address = re.search(r"http://\S+", lab.said)
        assert address, lab.said
        self.page.goto(address[0])
        return self.ready()

    def opened_from_the_file_browser(self, name: str) -> Notebook:
        """Open another notebook by a double click, and wait until its kernel is ready."""
        self.page.locator(".jp-DirListing-item", has_text=name[:8]).dblclick()
        tabs = self.page.locator("#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current")
        tabs.filter(has_text=name).wait_for()
        return self.ready()

    def ready(self) -> Notebook:
        """Wait until the notebook is shown and its kernel is idle."""
        self.panel.locator(".jp-Cell").first.wait_for()
        # Before it has a kernel, "Run" would ask for one.
        self.panel.locator(".jp-Toolbar-kernelName", has_text=KERNEL).wait_for()
        self.page.get_by_text(f"{KERNEL} | Idle").wait_for()
        return self

    def choose(self, menu: str, *path: str) -> None:
        """Choose an entry of a menu, such as "Run", "Run All Cells", or of a menu in it."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text=whole(menu)).click()
        for entry in path:
            self.page.locator(".lm-Menu-itemLabel", has_text=whole(entry)).click()

    def run_all(self, limit: float) -> None:
        """Run all cells and wait, at most `limit` seconds, until none is running or waiting."""
        self.choose("Run", "Run All Cells")
        self.running_cells().first.wait_for()
        # While it waits, the browser has to be listened to: hence its own clock.
        for _ in range(int(limit * 4)):
            if self.running_cells().count() == 0:
                return
            self.page.wait_for_timeout(250)
        raise AssertionError(f"cells still run after {limit} s")

    def running_cells(self) -> Locator:
        """The cells that are running or waiting for their turn."""
        return self.cells().filter(has=self.page.locator(".jp-InputPrompt", has_text=RUNNING))

    def cells(self) -> Locator:
        """All cells of code."""
        return self.panel.locator(".jp-CodeCell")

    def cell(self, code: str) -> Locator:
        """The cell whose code contains `code`."""
        editor = self.page.locator(".jp-InputArea-editor", has_text=code)
        return self.cells().filter(has=editor)

    def add_cell_at_the_end(self, code: str) -> Locator:
        """Add a cell of code below the last one, as by the keys, run it, and return it."""
        self.panel.locator(".jp-Cell").last.click()
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        self.page.keyboard.press("Enter")
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Control+Enter")
        return self.cells().last

    def errors(self) -> list[str]:
        """What cells have shown as an error or on stderr."""
        return self.panel.locator(ERROR).all_text_contents()

    def failed_claims(self) -> list[str]:
        """The claims that show a cross."""
        return self.claims().filter(has_text="Does not hold").all_text_contents()

    def claims(self) -> Locator:
        """The claims that have been checked, each with its tick or cross."""
        return self.panel.locator('div[style*="border-left"]', has_text="Seen:")

    def plots(self) -> Locator:
        """The pictures that cells have drawn."""
        return self.panel.locator(".jp-RenderedImage img")

    def unsaved(self) -> Locator:
        """The tabs of what has changes that are not saved."""
        return self.page.locator("#jp-main-dock-panel .lm-TabBar-tab.jp-mod-dirty")

    def interruptions(self) -> list[str]:
        """Dialogs and pop-ups that are open now."""
        return self.page.locator(".jp-Dialog, .Toastify__toast").all_text_contents()

    def use_theme(self, name: str) -> None:
        """Choose a theme in the settings' menu."""
        self.choose("Settings", "Theme", f"JupyterLab {name}")
        expect(self.page.locator("body")).to_have_attribute(
            "data-jp-theme-name", f"JupyterLab {name}", timeout=20_000
        )

    def keep_picture(self, of: Locator, name: str) -> None:
        """Scroll to something and keep a picture of the window."""
        of.evaluate("thing => thing.scrollIntoView({block: 'center'})")
        self.page.wait_for_timeout(500)
        self.page.screenshot(path=PICTURES / f"{name}.png")


def whole(text: str) -> re.Pattern[str]:
    """A pattern of this text and no more."""
    return re.compile(f"^{re.escape(text)}$")
