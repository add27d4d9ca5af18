"""A lab with the real notebooks, a browser of the tests' own, and a look at what is left."""

from __future__ import annotations

import re
import shutil
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from labsupport.commands.chromium import find_chromium
from labsupport.errors import LabError
from tests.browser.jupyterlab import PICTURES, Notebook
from tests.commands.running import ROOT, Lab, end_processes_of, make_clone
from tests.homes import processes_of, temporary_home

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
STEP_LIMIT = 20_000
"""Milliseconds that one step in the browser may take."""


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Begin with no old pictures, and fail when a process is left at the end."""
    shutil.rmtree(PICTURES, ignore_errors=True)
    yield
    # The browser's profile and the clones, which name their processes, lie in this folder.
    assert processes_of(tmp_path_factory.getbasetemp()) == []
    assert [
        child.cmdline()
        for child in psutil.Process().children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE
    ] == []


@pytest.fixture(scope="session")
def browser(
    nothing_is_left: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    """Chromium without a window, with a profile that is new."""
    try:
        chromium = find_chromium()
    except LabError as error:
        pytest.fail(str(error), pytrace=False)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=chromium,
            args=FLAGS,
            viewport={"width": 1280, "height": 960},
        )
        context.set_default_timeout(STEP_LIMIT)
        yield context
        context.close()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone that is set up and has the lessons."""
    folder = make_clone(tmp_path_factory.mktemp("browser") / "clone")
    shutil.rmtree(folder / "notebooks")
    (folder / "notebooks").mkdir()
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, folder / "notebooks")
    # Kernels work in notebooks/ and find the lab because it is installed, by `-e .` in the lock.
    inside = {"base": str(folder / ".venv"), "platbase": str(folder / ".venv")}
    packages = Path(sysconfig.get_path("purelib", vars=inside))
    (packages / "lab.pth").write_text(str(folder), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def labs(
    clone: Path, browser: BrowserContext, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Lab]]:
    """Labs to be ended after the module's tests; their servers and settings go aside."""
    with temporary_home(), pytest.MonkeyPatch.context() as environment:
        aside = tmp_path_factory.mktemp("jupyter")
        for name in ("CONFIG", "DATA", "RUNTIME"):
            environment.setenv(f"JUPYTER_{name}_DIR", str(aside / name.lower()))
        started: list[Lab] = []
        yield started
        for lab in started:
            if lab.launcher.poll() is None:
                lab.interrupt()
        end_processes_of(clone)


@pytest.fixture(scope="module")
def page(browser: BrowserContext) -> Iterator[Page]:
    """A tab of the browser, in which nothing is asked of any machine but this one."""
    elsewhere: list[str] = []

    def note(url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            elsewhere.append(url)

    tab = browser.new_page()
    tab.on("request", lambda request: note(request.url))
    yield tab
    tab.close()
    assert elsewhere == []


@pytest.fixture(autouse=True)
def last_look(page: Page, request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep a picture of how each test ended, which tells most about one that failed."""
    yield
    name = re.sub(r"\W+", "_", f"{request.module.__name__}_{request.node.name}").strip("_")
    page.screenshot(path=PICTURES / "last" / f"{name}.png")


@pytest.fixture(scope="module")
def first_notebook(labs: list[Lab], clone: Path, page: Page) -> Notebook:
    """The notebook that the printed address of a lab opens."""
    labs.append(Lab(clone))
    return Notebook(page).opened_at(labs[0].ready())
