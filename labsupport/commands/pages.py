"""Executed notebooks as HTML: a page for each lesson and a front page, whole without a network."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import nbformat
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from labsupport.commands.executing import Executed

__all__ = ["Summary", "front_page", "lesson_page", "summarise"]

TEMPLATES = Path(__file__).parent / "page_templates"
WIDGET = "application/vnd.jupyter.widget-view+json"
NO_WIDGET = "*A control stands here. It works only while the notebook runs in JupyterLab.*"
LINK_TO_NOTEBOOK = re.compile(r'href="(\w+)\.ipynb(#[^"]*)?"')
PICTURE = "image/png"
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
EMPHASIS = re.compile(r"(\*{1,2})(\w|\w[^*]*[^\s*])\1")


@dataclass(frozen=True)
class Summary:
    """What the front page says of a lesson; plain text, empty where the notebook has none."""

    page: str
    title: str
    goal: str
    time: str
    problem: str


def summarise(lesson: Executed) -> Summary:
    """Read the title, the goal and the time from the first cell of a lesson."""
    cells = lesson.notebook.cells
    text = cells[0].source if cells and cells[0].cell_type == "markdown" else ""
    return Summary(
        page=f"{lesson.name}.html",
        title=f"{lesson.name[:2]} {_found(r'# (.*)', text) or lesson.name}",
        goal=_found(r"\*\*Goal:\*\* (.*)", text),
        time=_found(r"\*\*Time:\*\* (.*)", text),
        problem=lesson.problem,
    )


def lesson_page(lesson: Executed, executed: str, folder: Path, rendered: Collection[str]) -> str:
    """Return the page of one lesson.

    `executed` says when and with which versions it ran. Pictures that the text names are taken
    from `folder`. Links to the notebooks named in `rendered` (without `.ipynb`) become links to
    their pages.
    """
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        extra_template_basedirs=[str(TEMPLATES)],
        template_name="lesson",
        embed_images=True,
        exclude_anchor_links=True,
    )
    page, _ = exporter.from_notebook_node(
        _for_reading(lesson.notebook),
        resources={
            "metadata": {"name": summarise(lesson).title, "path": str(folder)},
            "executed": executed,
            "problem": lesson.problem,
        },
    )

    def to_page(link: re.Match[str]) -> str:
        return f'href="{link[1]}.html{link[2] or ""}"' if link[1] in rendered else link[0]

    return LINK_TO_NOTEBOOK.sub(to_page, page)


def front_page(lessons: Sequence[Summary], conditions: Mapping[str, str]) -> str:
    """Return the page that links all lessons and says where they ran."""
    loader = jinja2.FileSystemLoader(TEMPLATES, encoding="utf-8")
    environment = jinja2.Environment(loader=loader, autoescape=True, keep_trailing_newline=True)
    template = environment.get_template("front_page.html.j2")
    return template.render(lessons=lessons, conditions=conditions)


def _found(pattern: str, text: str) -> str:
    """Return what the group of `pattern` matches in a line of `text`, without Markdown's marks."""
    found = re.search(f"^{pattern}$", text, re.MULTILINE)
    return _plain(found[1]).strip() if found else ""


def _plain(text: str) -> str:
    """Return `text` without the marks of Markdown's links, emphasis and code."""
    return EMPHASIS.sub(r"\2", LINK.sub(r"\1", text)).replace("`", "")


def _for_reading(notebook: NotebookNode) -> NotebookNode:
    """Return a copy for a page without a kernel: no controls, and plain alternative texts.

    A sentence stands in the place of a control, unless the control brought a picture of its own.
    """
    copy: NotebookNode = nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]
    copy.metadata.pop("widgets", None)
    for cell in copy.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if data.pop(WIDGET, None) is not None and "text/html" not in data:
                output.data = {"text/markdown": NO_WIDGET}
            picture = output.get("metadata", {}).get(PICTURE, {})
            if "alt" in picture:
                picture["alt"] = _plain(picture["alt"])
    return copy
