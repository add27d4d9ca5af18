"""The grammar of a lesson, checked without running it: what every notebook has to hold.

`lint` returns one sentence for each thing that is wrong: which cell, what is wrong, what to do.
Cells are named by their place from the top; code cells also by the number in square brackets
that JupyterLab gives them after *Restart and run all*.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode
from nbval.plugin import comment_markers, metadata_tags

__all__ = ["lint", "lint_names", "read_notebook"]

KERNEL = "python3"
DISPLAY_NAMES = ("Python 3 (ipykernel)", "Python 3")
TIME = re.compile(r"\*\*Time:\*\* \d+ minutes? to read, \d+ minutes? to do\b")
FILE_NAME = re.compile(r"(\d\d)_[a-z0-9_]+\.ipynb")
MARKER = re.compile(r"^\s*#+\s*((?:NBVAL|PYTEST_VALIDATE)_\w+)\s*$", re.MULTILINE)
WAITS_ON_PURPOSE = re.compile(r"#\s*lint: waits on purpose\b")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)", re.MULTILINE)
IMAGE = re.compile(r"!\[([^\]]*)\]\(\s*<?([^)\s>]+)>?[^)]*\)")
HTML_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
HTML_ALT = re.compile(r"\balt\s*=\s*([\"'])\s*[^\"'\s]", re.IGNORECASE)
HTML_ID = re.compile(r"<[^>]+\b(?:id|name)\s*=\s*[\"']([^\"']+)[\"']")
FENCE = re.compile(r"^\s*(`{3,}(?=[^`]*$)|~{3,})(.*)$")
BULLETS = range(3, 6)
EXERCISES = range(11, 14)
"""Numbers of the notebooks that consist of exercises."""
FIRST_PLOT_WITHIN = 5
"""Code cells among which one has to show the first plot."""


@dataclass(frozen=True)
class Call:
    """One call in a cell: `name` is the last part of what is called, `owner` what is before it."""

    name: str
    owner: str
    node: ast.Call
    awaited: bool


@dataclass(frozen=True)
class Cell:
    """One cell with its place from the top and, for code, its number in JupyterLab."""

    node: NotebookNode
    place: int
    number: int | None

    @property
    def source(self) -> str:
        """The cell's text."""
        return str(self.node.source)

    def __str__(self) -> str:
        if self.number is not None:
            return f"Cell {self.place} (code [{self.number}])"
        return f"Cell {self.place} ({self.node.cell_type})"

    @cached_property
    def python(self) -> str:
        """The code as Python: magics and shell lines become calls on `get_ipython()`."""
        return str(TransformerManager().transform_cell(self.source))

    @cached_property
    def tree(self) -> ast.Module | None:
        """The parsed code, top-level `await` allowed; None when it does not parse."""
        flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        try:
            tree = compile(self.python, str(self), "exec", flags=flags, dont_inherit=True)
        except (SyntaxError, ValueError):
            return None
        assert isinstance(tree, ast.Module)
        return tree

    @cached_property
    def calls(self) -> list[Call]:
        """Every call in the code, at any depth."""
        nodes = list(ast.walk(self.tree)) if self.tree else []
        awaited = {id(node.value) for node in nodes if isinstance(node, ast.Await)}
        return [
            Call(*split_name(node.func), node, id(node) in awaited)
            for node in nodes
            if isinstance(node, ast.Call)
        ]

    def calls_of(self, name: str, owner: str | None = None) -> list[Call]:
        """The calls of `name(...)`, or only those of `owner.name(...)`."""
        return [
            call
            for call in self.calls
            if call.name == name and (owner is None or call.owner == owner)
        ]


class Lesson:
    """A notebook with what the rules ask of it."""

    def __init__(self, notebook: NotebookNode, path: Path) -> None:
        self.notebook = notebook
        self.path = path
        self.cells = list(numbered(notebook.cells))
        self.code = [cell for cell in self.cells if cell.number is not None]
        self.markdown = [cell for cell in self.cells if cell.node.cell_type == "markdown"]
        named = FILE_NAME.fullmatch(path.name)
        self.number = named.group(1) if named else None
        """The two digits at the beginning of the file's name."""

    @property
    def is_lesson(self) -> bool:
        """Whether it teaches: neither the start (00) nor reference (90 and above)."""
        return self.number is not None and 0 < int(self.number) < 90

    @property
    def is_exercise(self) -> bool:
        """Whether it asks for answers of the reader's own, instead of showing results."""
        return self.number is not None and int(self.number) in EXERCISES

    @property
    def head(self) -> str:
        """The Markdown above the first code cell, without fenced code."""
        end = self.code[0].place if self.code else len(self.cells) + 1
        return "\n\n".join(prose(cell.source) for cell in self.markdown if cell.place < end)


Rule = Callable[[Lesson], Iterator[str]]


def numbered(nodes: Iterable[NotebookNode]) -> Iterator[Cell]:
    """The cells with their places and numbers."""
    number = 0
    for place, node in enumerate(nodes, start=1):
        is_code = node.cell_type == "code"
        number += is_code
        yield Cell(node, place, number if is_code else None)


def split_name(function: ast.expr) -> tuple[str, str]:
    """The name of what is called and what stands before it: `a.b.c(...)` gives "c" and "a.b"."""
    if isinstance(function, ast.Name):
        return function.id, ""
    if isinstance(function, ast.Attribute):
        return function.attr, ast.unparse(function.value)
    return "", ""


def text_argument(call: Call, index: int = 0) -> str:
    """The argument at `index` when it is written as plain text, else an empty string."""
    arguments = call.node.args
    if len(arguments) > index:
        value = arguments[index]
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value
    return ""


def split_fences(source: str) -> tuple[str, bool]:
    """Markdown without its fenced code, and whether every fence is closed."""
    kept: list[str] = []
    fence = ""
    for line in source.splitlines():
        found = FENCE.match(line)
        if not fence and found:
            fence = found.group(1)
        elif fence and found and found.group(1).startswith(fence) and not found.group(2).strip():
            fence = ""
        elif not fence:
            kept.append(line)
    return "\n".join(kept), not fence


def prose(source: str) -> str:
    """Markdown without fenced code and without `inline code`."""
    return re.sub(r"`[^`\n]*`", "", split_fences(source)[0])


# The file


def check_format(lesson: Lesson) -> Iterator[str]:
    """Format 4.5 or newer, cells with ids of their own, and valid by the format's schema."""
    notebook = lesson.notebook
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        yield "The notebook's format is older than 4.5: save it with a current JupyterLab."
        return
    ids = Counter(cell.node.get("id") for cell in lesson.cells)
    nameless = [cell for cell in lesson.cells if not cell.node.get("id") or ids[cell.node.id] > 1]
    for cell in nameless:
        yield f"{cell} has no id of its own: save the notebook with JupyterLab."
    if nameless:  # nbformat would give them ids while it validates, and find nothing.
        return
    try:
        nbformat.validate(nbformat.from_dict(json.loads(json.dumps(notebook))))
    except nbformat.ValidationError as error:
        yield f"The notebook is not valid ({error.message}): save it with JupyterLab."


def check_metadata(lesson: Lesson) -> Iterator[str]:
    """The kernel that everybody has, and no trace of the author's Python."""
    kernel = lesson.notebook.metadata.get("kernelspec", {})
    if kernel.get("name") != KERNEL:
        yield f"The kernel is {kernel.get('name')!r}: set kernelspec.name to {KERNEL!r}."
    if kernel.get("display_name") not in DISPLAY_NAMES:
        yield (
            f"The kernel is shown as {kernel.get('display_name')!r}, which is one author's: "
            f"set kernelspec.display_name to {DISPLAY_NAMES[0]!r}."
        )
    if "version" in lesson.notebook.metadata.get("language_info", {}):
        yield "The metadata hold the author's Python: remove language_info.version."


def check_outputs(lesson: Lesson) -> Iterator[str]:
    """Committed notebooks show nothing that a reader did not measure."""
    for cell in lesson.code:
        if cell.node.get("outputs"):
            yield f"{cell} has outputs: clear all outputs before you commit."
        if cell.node.get("execution_count") is not None:
            yield f"{cell} has an execution count: clear all outputs before you commit."


# The head of a lesson


def check_title(lesson: Lesson) -> Iterator[str]:
    """One title, in the first cell, beginning with a capital letter."""
    if not lesson.cells or lesson.cells[0].node.cell_type != "markdown":
        yield "The first cell is not Markdown: begin with a cell that holds the title."
        return
    first, *others = lesson.markdown
    titles = re.findall(r"^# +(.*)$", split_fences(first.source)[0], re.MULTILINE)
    if len(titles) != 1:
        yield f"{first} has {len(titles)} titles: write exactly one line that begins with '# '."
    elif not titles[0][:1].isupper():
        yield f"{first}: the title begins with no capital letter: {titles[0]!r}."
    for cell in others:
        if re.search(r"^# ", split_fences(cell.source)[0], re.MULTILINE):
            yield f"{cell} has another title: use '## ' below the first cell."


def check_head(lesson: Lesson) -> Iterator[str]:
    """Goal, what is learnt, what is needed and the time, above the first code cell."""
    for word in ("Goal", "You will learn", "You need"):
        if not re.search(rf"\*\*{word}:?\*\*", lesson.head):
            yield f"The head lacks **{word}:**; add it above the first code cell."
    if not TIME.search(lesson.head):
        yield "The head lacks the time; write '**Time:** 10 minutes to read, 15 minutes to do'."
    bullets = count_bullets(lesson.head)
    if bullets is not None and bullets not in BULLETS:
        yield f"**You will learn** has {bullets} bullet points: write 3 to 5."


def count_bullets(head: str) -> int | None:
    """The bullet points right below **You will learn**; None when there is no such line."""
    _, found, below = head.partition("**You will learn")
    count = 0
    for line in below.splitlines()[1:]:
        if re.match(r"[-*+] ", line):
            count += 1
        elif line.strip() and not line.startswith(" "):
            break
    return count if found else None


def check_kernel_advice(lesson: Lesson) -> Iterator[str]:
    """The paragraph above the first code cell helps a reader whose import fails."""
    if not lesson.code:
        yield "The notebook has no code cells: a lesson measures something."
        return
    place = lesson.code[0].place
    above = lesson.cells[place - 2] if place > 1 else None
    paragraph = re.split(r"\n\s*\n", above.source.strip())[-1] if above else ""
    if above is None or above.node.cell_type != "markdown" or "kernel" not in paragraph.lower():
        yield (
            f"{lesson.code[0]}: the paragraph just above has to say which kernel to choose when "
            "the import fails."
        )


# The cells that every lesson has


def check_first_and_last(lesson: Lesson) -> Iterator[str]:
    """The first code cell begins the lesson, the last one finishes it."""
    if not lesson.code:
        return
    first, last = lesson.code[0], lesson.code[-1]
    if not first.calls_of("begin"):
        yield f"{first} does not call begin(...): the first code cell has to."
    if not any(call.awaited for call in last.calls_of("finish")):
        yield f"{last} is the last code cell and lacks `await finish(...)`: add the closing cell."


def check_first_plot(lesson: Lesson) -> Iterator[str]:
    """A reader of a lesson sees a plot early."""
    early = lesson.code[:FIRST_PLOT_WITHIN]
    if not lesson.is_lesson or lesson.is_exercise:
        return
    if not any(cell.calls_of("show") for cell in early):
        yield f"None of the first {FIRST_PLOT_WITHIN} code cells calls show(...): plot earlier."


def check_predictions(lesson: Lesson) -> Iterator[str]:
    """Lessons ask before they show; each prediction has an id of its own: "01.1", "01.2"."""
    seen: set[str] = set()
    for cell in lesson.code:
        for call in cell.calls_of("predict"):
            name = text_argument(call)
            if not re.fullmatch(rf"{lesson.number}\.[1-9]\d*", name):
                yield f"{cell}: predict needs an id such as '{lesson.number}.1' and has {name!r}."
            elif name in seen:
                yield f"{cell}: the prediction {name!r} is there twice; give it the next number."
            seen.add(name)
    if lesson.is_lesson and not lesson.is_exercise and not seen:
        yield "The lesson asks for no prediction: call predict(...) before the first result."


def check_claims(lesson: Lesson) -> Iterator[str]:
    """Each claim has words of its own: one with the same words would replace the earlier one."""
    seen: set[str] = set()
    for cell in lesson.code:
        for call in cell.calls_of("verify"):
            claim = text_argument(call)
            if not claim:
                yield f"{cell}: verify needs its claim as a plain text in front."
            elif claim in seen:
                yield f"{cell}: the claim {claim!r} is there twice; say which of the two it is."
            seen.add(claim)


def check_exercises(lesson: Lesson) -> Iterator[str]:
    """Answers are checked in the cell in which they are written, each exercise once."""
    seen: set[str] = set()
    for cell in lesson.code:
        for call in cell.calls_of("check", ""):
            name = text_argument(call)
            if not re.fullmatch(r"\d\d?\.(\d|[a-z])", name):
                yield f"{cell}: check needs an id such as '1.2' or '03.a' and has {name!r}."
            elif name in seen:
                yield f"{cell}: the exercise {name!r} is there twice; give it an id of its own."
            if not call.awaited:
                yield f"{cell}: check has to be awaited: write `await check(...)`."
            seen.add(name)
    if lesson.is_exercise and not seen:
        yield "The notebook asks for no answer: call `await check(...)` below each task."


# The code


def check_code_parses(lesson: Lesson) -> Iterator[str]:
    """Every code cell holds something, and it is Python."""
    for cell in lesson.code:
        if not cell.source.strip():
            yield f"{cell} is empty: delete it."
        elif cell.tree is None:
            yield f"{cell} is not Python that can be parsed: correct its syntax."


def check_magics(lesson: Lesson) -> Iterator[str]:
    """No shell, and no magics but two harmless ones."""
    for cell in lesson.code:
        for kind in ("system", "getoutput"):
            if cell.calls_of(kind, "get_ipython()"):
                yield f"{cell} runs a shell line ('!'), which fails silently: use Python."
        magics = cell.calls_of("run_line_magic", "get_ipython()")
        magics += cell.calls_of("run_cell_magic", "get_ipython()")
        for call in magics:
            yield from judge_magic(cell, text_argument(call), text_argument(call, 1))


def judge_magic(cell: Cell, name: str, rest: str) -> Iterator[str]:
    """What is wrong with one magic of the cell, if anything."""
    if name in ("time", "timeit") and re.search(r"\bawait\b", cell.source):
        yield f"{cell}: %{name} does not measure an await: call measure(...) or use perf_counter."
    elif name == "config" and not rest.startswith("InlineBackend."):
        yield f"{cell}: %config is allowed for InlineBackend only; others fail silently."
    elif name not in ("matplotlib", "config"):
        yield f"{cell} uses the magic {name!r}: only %matplotlib and %config are allowed."


def check_event_loop(lesson: Lesson) -> Iterator[str]:
    """A notebook has a running loop, and its kernel has to stay."""
    for cell in lesson.code:
        if cell.calls_of("run", "asyncio"):
            yield f"{cell} calls asyncio.run, which fails in a notebook: use await."
        for name in ("quit", "exit"):
            if cell.calls_of(name, ""):
                yield f"{cell} calls {name}(), which ends the kernel: remove it."


def check_waits(lesson: Lesson) -> Iterator[str]:
    """An acquire without a limit holds up all cells below it, until somebody presses stop."""
    for cell in lesson.code:
        for call in cell.calls_of("acquire"):
            limited = any(keyword.arg == "timeout" for keyword in call.node.keywords)
            if not limited and not waits_on_purpose(cell, call.node):
                yield (
                    f"{cell} acquires without a limit: pass timeout=..., or put it with the "
                    "comment '# lint: waits on purpose' in an `async with asyncio.timeout(...)`."
                )


def waits_on_purpose(cell: Cell, call: ast.Call) -> bool:
    """Whether `call` stands in an `asyncio.timeout` block that holds the comment for it."""
    lines = cell.python.splitlines()
    for node in ast.walk(cell.tree) if cell.tree else ():
        if not isinstance(node, ast.AsyncWith) or call not in list(ast.walk(node)):
            continue
        guards = [ast.unparse(item.context_expr) for item in node.items]
        block = lines[node.lineno - 1 : node.end_lineno]
        bounded = any(guard.startswith("asyncio.timeout(") for guard in guards)
        if bounded and any(WAITS_ON_PURPOSE.search(line) for line in block):
            return True
    return False


def check_passwords(lesson: Lesson) -> Iterator[str]:
    """Notebooks are shared with their outputs."""
    for cell in lesson.code:
        if any(tells_password(node) for node in (ast.walk(cell.tree) if cell.tree else ())):
            yield f"{cell} puts a password into text: pass it on without writing it."


def tells_password(node: ast.AST) -> bool:
    """Whether `node` is an f-string or a print that writes a value which is called a password.

    A value with a format of numbers, as in `{password_ms:.1f}`, is a measurement and no secret.
    """
    parts: Sequence[ast.expr] = []
    if isinstance(node, ast.JoinedStr):
        parts = node.values
    elif isinstance(node, ast.Call) and split_name(node.func)[0] == "print":
        parts = node.args
    before = ""
    for part in parts:
        if isinstance(part, ast.Constant):
            before = str(part.value)
        elif not isinstance(part, ast.JoinedStr) and not has_number_format(part):
            if named_password(part) or re.search(r"password\W*$", before, re.IGNORECASE):
                return True
            before = ""
    return False


def has_number_format(part: ast.expr) -> bool:
    """Whether `part` is a placeholder such as `{x:.1f}` or `{x:.0%}`."""
    if not isinstance(part, ast.FormattedValue) or part.format_spec is None:
        return False
    end = list(ast.walk(part.format_spec))[-1]
    return isinstance(end, ast.Constant) and str(end.value)[-1:] in tuple("eEfFgGnd%")


def named_password(part: ast.expr) -> bool:
    """Whether a name, an attribute or a key in `part` speaks of a password."""
    names = [
        str(value)
        for node in ast.walk(part)
        for field, value in ast.iter_fields(node)
        if field in ("id", "attr", "value") and isinstance(value, str)
    ]
    return any("password" in name.lower() for name in names)


def check_markers(lesson: Lesson) -> Iterator[str]:
    """nbval's markers and tags: spelt right, in code cells, and none that leaves a cell out."""
    for cell in lesson.cells:
        tags = [tag for tag in cell.node.metadata.get("tags", []) if is_nbval_tag(tag)]
        for name in [*MARKER.findall(cell.source), *tags]:
            if name.lower().replace("_", "-") == "nbval-skip":
                yield f"{cell} is left out by {name}: let it run, or delete it."
            elif cell.number is None:
                yield f"{cell} has the marker {name}, which works in code cells only: move it."
            elif name not in comment_markers and name not in metadata_tags:
                yield f"{cell} has the marker {name}, which nbval does not know: correct it."


def is_nbval_tag(tag: str) -> bool:
    """Whether a cell's tag is meant for nbval, spelt right or not."""
    return tag in metadata_tags or tag.lower().startswith("nbval")


# The text


def check_fences(lesson: Lesson) -> Iterator[str]:
    """An open fence swallows the rest of the cell."""
    for cell in lesson.markdown:
        if not split_fences(cell.source)[1]:
            yield f"{cell} opens a code block and does not close it: add the closing fence."


def check_images(lesson: Lesson) -> Iterator[str]:
    """Every image says in words what it shows."""
    for cell in lesson.markdown:
        text = prose(cell.source)
        bare = [target for alt, target in IMAGE.findall(text) if not alt.strip()]
        bare += [image for image in HTML_IMAGE.findall(text) if not HTML_ALT.search(image)]
        for image in bare:
            yield f"{cell}: the image {image} has no alternative text: say what it shows."


def check_links(lesson: Lesson) -> Iterator[str]:
    """Links inside the clone lead to files and headings that exist."""
    for cell in lesson.markdown:
        text = prose(cell.source)
        images = [target for _, target in IMAGE.findall(text)]
        for target in [*LINK.findall(text), *REFERENCE.findall(text), *images]:
            if not re.match(r"[a-z][a-z0-9+.-]*:|//", target, re.IGNORECASE):
                yield from judge_link(lesson, cell, target)


def judge_link(lesson: Lesson, cell: Cell, target: str) -> Iterator[str]:
    """What is wrong with one link to a file or heading, if anything."""
    name, _, anchor = unquote(target).partition("#")
    path = lesson.path.parent / name if name else lesson.path
    if name and not path.exists():
        yield f"{cell} links to {target}, and there is no such file: correct the link."
    elif anchor and anchor not in anchors(lesson, path):
        yield f"{cell} links to {target}, and there is no such heading: correct the link."


def anchors(lesson: Lesson, path: Path) -> set[str]:
    """The anchors in a notebook (as JupyterLab makes them) or a Markdown file (as GitHub does)."""
    if path == lesson.path:
        return notebook_anchors(lesson.notebook)
    if path.suffix == ".ipynb":
        return notebook_anchors(read_notebook(path))
    if path.suffix != ".md":
        return set()
    text = split_fences(path.read_text(encoding="utf-8"))[0]
    plain = [re.sub(r"[^\w\- ]", "", heading).lower() for heading in headings(text)]
    return {heading.replace(" ", "-") for heading in plain} | set(HTML_ID.findall(text))


def notebook_anchors(notebook: NotebookNode) -> set[str]:
    """JupyterLab keeps a heading's letters and turns each space into a hyphen."""
    texts = [split_fences(c.source)[0] for c in notebook.cells if c.cell_type == "markdown"]
    found = {heading.replace(" ", "-") for text in texts for heading in headings(text)}
    return found.union(*(HTML_ID.findall(text) for text in texts))


def headings(text: str) -> list[str]:
    """The headings of Markdown without fenced code, as a reader sees them."""
    lines = re.findall(r"^#{1,6} +(.*?)\s*#*$", text, re.MULTILINE)
    return [re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", line) for line in lines]


RULES: tuple[Rule, ...] = (
    check_format, check_metadata, check_outputs,
    check_title, check_head, check_kernel_advice,
    check_first_and_last, check_first_plot, check_predictions, check_claims,
    check_exercises,
    check_code_parses, check_magics, check_event_loop, check_waits, check_passwords,
    check_markers, check_fences, check_images, check_links,
)  # fmt: skip


def lint(notebook: NotebookNode, path: Path) -> list[str]:
    """What is wrong with the notebook that stands (or would stand) at `path`; empty is well.

    Read the notebook with `read_notebook`: nbformat's own reader repairs some of the faults.
    """
    lesson = Lesson(notebook, path)
    return [message for rule in RULES for message in rule(lesson)]


def lint_names(paths: Sequence[Path]) -> list[str]:
    """What is wrong with the file names of the notebooks of one folder; empty is well."""
    messages = []
    numbers: dict[str, str] = {}
    for path in sorted(paths):
        named = FILE_NAME.fullmatch(path.name)
        if not named:
            messages.append(f"{path.name} is not named like 01_what_it_teaches.ipynb: rename it.")
            continue
        number = named.group(1)
        if number in numbers:
            messages.append(f"{path.name} has the number of {numbers[number]}: take a free one.")
        numbers[number] = path.name
    return messages


def read_notebook(path: Path) -> NotebookNode:
    """The notebook as it stands in the file, with nothing repaired."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for cell in content["cells"]:
        if isinstance(cell["source"], list):
            cell["source"] = "".join(cell["source"])
    return nbformat.from_dict(content)
