"""The pages for people: links lead somewhere, and each command that they name exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import unquote

import pytest

from labsupport.commands.arguments import make_parser
from tests.commands.running import ROOT
from tests.notebook_lint import Lesson, anchors, read_notebook

PAGES = ("README.md", "CONTRIBUTING.md", "INSTRUCTORS.md")
GUIDE = ROOT / "INSTRUCTORS.md"
LINK = re.compile(r"\]\(([^)\s]+)\)")
ROW = re.compile(r"^\| (\d):(\d\d) \| (\d+) \|", re.MULTILINE)
ANY_NOTEBOOK = ROOT / "notebooks" / "00_start_here.ipynb"


def wrong_links(page: Path) -> list[str]:
    """Links of a page to files or headings that are not there."""
    lesson = Lesson(read_notebook(ANY_NOTEBOOK), ANY_NOTEBOOK)
    wrong = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        path = page.parent / name if name else page
        if not path.exists() or (anchor and anchor not in anchors(lesson, path)):
            wrong.append(target)
    return wrong


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    assert wrong_links(ROOT / name) == []


@pytest.mark.parametrize("link", ["lost.md", "#lost", "page.md#lost"])
def test_lost_links_are_found(tmp_path: Path, link: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# There\n[a]({link}) [b](#there) [c](https://x.org)\n", encoding="utf-8")
    assert wrong_links(page) == [link]


def commands(page: Path) -> list[list[str]]:
    """What a page tells people to type after `python3 -m labsupport`."""
    text = page.read_text(encoding="utf-8")
    return [
        shlex.split(words) for words in re.findall(r"python3 -m labsupport ([a-z][^`\n]*)", text)
    ]


def test_every_command_of_the_guide_can_be_typed() -> None:
    found = commands(GUIDE)
    assert {words[0] for words in found} >= {
        "lab",
        "doctor",
        "workshop",
        "measure",
        "reset",
        "stop",
    }
    for words in found:
        make_parser().parse_args(words)
    actions = {words[1] for words in found if words[0] == "workshop"}
    assert actions == {"create", "status", "remove", "progress"}


def test_every_notebook_of_the_guide_is_there() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    there = {path.name[:2] for path in (ROOT / "notebooks").glob("*.ipynb")}
    named = set(re.findall(r"(?:\[|\*\*|[Nn]otebooks? |[Ll]essons? )(\d\d)\b", text))
    assert {"00", "01", "03", "07", "08", "14", "15", "16", "17"} <= named <= there


def test_the_schedule_adds_up() -> None:
    rows = [tuple(map(int, row)) for row in ROW.findall(GUIDE.read_text(encoding="utf-8"))]
    starts = [hours * 60 + minutes for hours, minutes, _ in rows]
    assert len(rows) > 10
    assert starts[0] == 0
    for start, following, (*_, minutes) in zip(starts, starts[1:], rows, strict=False):
        assert following == start + minutes
    assert starts[-1] + rows[-1][2] == 4.5 * 60


def test_the_locks_of_the_guide_are_there() -> None:
    locks = set(re.findall(r"requirements[a-z-]*\.txt", GUIDE.read_text(encoding="utf-8")))
    assert locks
    assert all((ROOT / lock).is_file() for lock in locks)
