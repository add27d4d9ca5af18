"""Find the browser of `test --browser`: the machine's own, so that nothing big is downloaded."""

from __future__ import annotations

import shutil

from labsupport.errors import LabError

__all__ = ["find_chromium"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str:
    """Return the path of Chromium or Chrome; raises `LabError` when PATH has neither."""
    for name in NAMES:
        path = shutil.which(name)
        if path is not None:
            return path
    raise LabError(
        "These tests need a browser, and neither Chromium nor Chrome was found on PATH. "
        "Install one, on Debian with `sudo apt install chromium`, and start them again."
    )
