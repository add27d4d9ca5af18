"""The pages that `render` writes: whole, honest about failures, and readable without a network."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
import pytest

from labsupport.commands.arguments import make_parser
from labsupport.commands.executing import execute
from labsupport.commands.render import render
from labsupport.errors import LabError
from tests.commands.running import run

CONDITIONS = {"When": "2026-01-02 03:04 UTC", "Server": "PostgreSQL 18.0 <test>"}
FIRST = """# Do a *small* thing with `count(*)`

**Goal:** see **one** thing & no other.

**Time:** 1 minute to read, 2 minutes to do.

Go on with [02](02_next.ipynb#part) or [elsewhere](https://example.org/03.ipynb)."""
PICTURE = """
import io
from IPython.display import Image, display
from matplotlib.figure import Figure
file = io.BytesIO()
Figure(figsize=(1, 1)).savefig(file, format="png")
display(Image(data=file.getvalue(), format="png", width=77, alt="**Ten** <were> asked `count(*)`."))
"""
WIDGET = "import ipywidgets; ipywidgets.IntSlider(description='Clients')"
DRAWING = """
from IPython.display import display
view = {"version_major": 2, "version_minor": 0, "model_id": "gone"}
still = "<p>The " + "history stands here.</p>"
display({"application/vnd.jupyter.widget-view+json": view, "text/html": still}, raw=True)
"""
CLAIM = "from labsupport.lessons import verify; verify('Two is more than one.', 2, {expected})"
LAST = """
from labsupport.lessons import claims
from labsupport.lessons.ending import LessonFailed
if claims.failed():
    raise LessonFailed("1 of 1 claims did not hold: <see above>.")
"""


def write(folder: Path, name: str, *cells: str) -> Path:
    """Write a notebook: the first cell is text, the others are code."""
    text, *code = cells
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell(text)]
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in code]
    folder.mkdir(exist_ok=True)
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder / f"{name}.ipynb"


def read(path: Path) -> str:
    """Read a page."""
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of two notebooks: one complete, one with a claim that does not hold."""
    folder = tmp_path_factory.mktemp("render")
    notebooks = folder / "notebooks"
    write(notebooks, "01_first", FIRST, "import sys; print(sys.prefix)", PICTURE, WIDGET, DRAWING)
    write(
        notebooks, "02_next", "# Fail", CLAIM.format(expected=3), LAST, "print('not' + ' reached')"
    )
    write(notebooks, "03_last", "No title.", CLAIM.format(expected=2), LAST)
    assert not render(notebooks, folder / "pages", CONDITIONS)
    return folder / "pages"


def test_the_front_page_says_of_each_lesson_what_it_is(pages: Path) -> None:
    front = read(pages / "index.html")
    assert '<a href="01_first.html">01 Do a small thing with count(*)</a>' in front
    assert "Goal: see one thing &amp; no other." in front
    assert "Time: 1 minute to read, 2 minutes to do." in front
    assert "PostgreSQL 18.0 &lt;test&gt;" in front
    assert "2026-01-02 03:04 UTC" in front
    assert "python3 -m labsupport lab" in front
    assert '<a href="03_last.html">03 03_last</a>' in front


def test_a_claim_that_does_not_hold_is_said_on_both_pages(pages: Path) -> None:
    front, page = read(pages / "index.html"), read(pages / "02_next.html")
    said = "Code cell 2 failed: LessonFailed: 1 of 1 claims did not hold: &lt;see above&gt;."
    assert front.count("This run did not come to its end.") == front.count(said) == 1
    assert front.count("This run came to its end, and every claim held.") == 2
    assert said in page
    assert "Does not hold:" in page
    assert "not reached" not in page
    assert "did not come to its end" not in read(pages / "03_last.html")


def test_a_page_shows_what_the_cells_printed_by_this_python(pages: Path) -> None:
    page = read(pages / "01_first.html")
    assert sys.prefix in page
    assert "<title>01 Do a small thing with count(*)</title>" in page
    assert "2026-01-02 03:04 UTC, PostgreSQL 18.0 &lt;test&gt;" in page


def test_links_lead_to_pages_where_there_is_one(pages: Path) -> None:
    page = read(pages / "01_first.html")
    assert 'href="02_next.html#part"' in page
    assert 'href="https://example.org/03.ipynb"' in page
    assert 'href="index.html"' in page


def test_a_picture_keeps_its_alternative_text_and_width(pages: Path) -> None:
    (picture,) = re.findall(r"<img[^>]*>", read(pages / "01_first.html"))
    assert 'alt="Ten &lt;were&gt; asked count(*)."' in picture
    assert 'width="77"' in picture
    assert 'src="data:image/png;base64,' in picture


def test_a_control_becomes_a_sentence(pages: Path) -> None:
    page = read(pages / "01_first.html")
    assert page.count("A control stands here.") == 1
    assert "The history stands here." in page, "a control that brought a picture keeps it"
    assert "IntSlider(" not in re.sub(r"<[^>]*>", "", page).replace("ipywidgets.IntSlider(", "")


@pytest.mark.parametrize("name", ["index", "01_first", "02_next", "03_last"])
def test_a_page_loads_nothing(pages: Path, name: str) -> None:
    page = read(pages / f"{name}.html")
    assert "default-src 'none'" in page
    for loading in (r"<script", r"<link", r"@import", r"url\(['\"]?(?!data:)", r"src=\"(?!data:)"):
        assert re.findall(loading + r".{0,60}", page) == []


def test_a_cell_that_takes_too_long_ends_the_run(tmp_path: Path) -> None:
    path = write(tmp_path, "01_slow", "# Slow", "1 + 1", "import time; time.sleep(60)", "3 + 3")
    lesson = execute(path, cell_limit=3)
    assert lesson.problem == "Code cell 2 took longer than 3 s."
    assert [cell.outputs != [] for cell in lesson.notebook.cells[1:]] == [True, True, False]


def test_a_kernel_that_dies_ends_the_run(tmp_path: Path) -> None:
    lesson = execute(write(tmp_path, "01_dead", "# Dead", "import os; os._exit(3)"))
    assert lesson.problem == "The kernel died in code cell 1."


def test_without_notebooks_there_is_nothing_to_render(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="There is no notebook in"):
        render(tmp_path, tmp_path / "pages", CONDITIONS)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    write(tmp_path / "notebooks", "01_one", "# One")
    (tmp_path / "file").touch()
    with pytest.raises(LabError, match="Choose another folder with --output"):
        render(tmp_path / "notebooks", tmp_path / "file" / "pages", CONDITIONS)


def test_the_verb_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args(["render", "--help"])
    assert ended.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "seen from the clone (without it: artefacts/lessons)" in said


def test_the_verb_renders_the_notebooks_of_the_clone(clone: Path, home: Path) -> None:
    ended = run(clone, "render", "--output", "pages here")
    assert ended.returncode == 0, ended.stderr
    assert "[2/2] 01_first ... complete" in ended.stdout
    front = read(clone / "pages here" / "index.html")
    assert "PostgreSQL 1" in front
    assert "asyncpg 0." in front
    assert f"Python {sys.version_info[0]}.{sys.version_info[1]}" in front
    assert (clone / "pages here" / "00_start_here.html").is_file()
