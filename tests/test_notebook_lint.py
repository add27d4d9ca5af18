"""Every notebook keeps to the grammar of a lesson; and each rule of the lint finds its fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.notebook_lint import lint, lint_names, read_notebook

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted(
    path
    for path in (ROOT / "notebooks").rglob("*.ipynb")
    if path.parent.name != ".ipynb_checkpoints"
)

HEAD = """# Why pooling matters

**Goal:** see what a connection costs.

**You will learn**

- what a connection is made of,
  piece by piece
- what a pool keeps
- how to measure both

**You need:** nothing but this clone.

**Time:** 10 minutes to read, 15 minutes to do
"""

ADVICE = """## Begin

The next cell finds or starts PostgreSQL.

If the import fails, choose the kernel "Python 3 (ipykernel)"
in the upper right corner.
"""


def good_notebook() -> NotebookNode:
    """A lesson in which every rule is kept, with harmless look-alikes of what is forbidden."""
    cells = [
        new_markdown_cell(HEAD),
        new_markdown_cell(ADVICE),
        new_code_cell(
            "%matplotlib inline\n%config InlineBackend.figure_format = 'svg'\n"
            'from labsupport.lessons import begin\nlesson = await begin("01")'
        ),
        new_markdown_cell("## How fast is it?\n\n[Up](#Begin), [again](./01_lesson.ipynb#Begin)"),
        new_code_cell('predict("01.1", None)'),
        new_code_cell(
            '# NBVAL_IGNORE_OUTPUT\nshow(1)  # do not use %time here\nprint("100 %")\n'
            'print("no password is asked for:", 1, f"checking a password: {password:.2g} ms")'
        ),
        new_markdown_cell("```sql\n# not a title\nSELECT 1\n```\n![A curve](picture.png) `![](x)`"),
        new_code_cell(
            "async with asyncio.timeout(5):\n    # lint: waits on purpose\n"
            "    await pool.acquire()\nasync with pool.acquire(timeout=1) as connection:\n    pass"
        ),
        new_code_cell("await finish(lesson)"),
    ]
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"},
        "language_info": {"name": "python"},
    }
    return new_notebook(cells=cells, metadata=metadata)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the good notebook would stand, with the picture that it shows."""
    (tmp_path / "picture.png").touch()
    (tmp_path / "README.md").write_text("## The lab: how?\n", encoding="utf-8")
    return tmp_path / "01_lesson.ipynb"


def set_source(place: int, source: str) -> Callable[[NotebookNode], None]:
    """A change that replaces the text of the cell at `place`, counted from 1."""

    def change(notebook: NotebookNode) -> None:
        notebook.cells[place - 1].source = source

    return change


def replace(place: int, old: str, new: str) -> Callable[[NotebookNode], None]:
    """A change of one piece of the text of the cell at `place`."""

    def change(notebook: NotebookNode) -> None:
        cell = notebook.cells[place - 1]
        assert old in cell.source
        cell.source = cell.source.replace(old, new)

    return change


def set_cell(place: int, **values: object) -> Callable[[NotebookNode], None]:
    """A change of the fields of the cell at `place`."""

    def change(notebook: NotebookNode) -> None:
        notebook.cells[place - 1].update(values)

    return change


def set_metadata(part: str, **values: object) -> Callable[[NotebookNode], None]:
    """A change of one part of the notebook's metadata."""

    def change(notebook: NotebookNode) -> None:
        notebook.metadata[part].update(values)

    return change


def drop_cell(place: int) -> Callable[[NotebookNode], None]:
    """A change that takes the cell at `place` out."""

    def change(notebook: NotebookNode) -> None:
        del notebook.cells[place - 1]

    return change


def old_format(notebook: NotebookNode) -> None:
    """A notebook of the time before cell ids."""
    notebook.nbformat_minor = 4


def one_id_twice(notebook: NotebookNode) -> None:
    """Two cells with the same id."""
    notebook.cells[1].id = notebook.cells[0].id


def early_plots_removed(notebook: NotebookNode) -> None:
    """The first plot comes in the sixth code cell."""
    replace(6, "show(1)", "x = 1")(notebook)
    notebook.cells[8:8] = [new_code_cell("x = 2"), new_code_cell("show(1)")]


BROKEN: dict[str, tuple[Callable[[NotebookNode], None], str]] = {
    "old format": (old_format, "format is older than 4.5"),
    "no id": (lambda notebook: notebook.cells[3].pop("id"), "Cell 4 (markdown) has no id"),
    "id twice": (one_id_twice, "Cell 1 (markdown) has no id of its own"),
    "invalid": (set_cell(1, surprise=1), "The notebook is not valid"),
    "other kernel": (set_metadata("kernelspec", name="lab"), "kernelspec.name to 'python3'"),
    "author's kernel": (
        set_metadata("kernelspec", display_name=".venv (3.11)"), "'.venv (3.11)'",
    ),
    "author's Python": (set_metadata("language_info", version="3.11.7"), "language_info.version"),
    "output": (
        set_cell(3, outputs=[new_output("stream", text="x")]), "Cell 3 (code [1]) has outputs",
    ),
    "count": (set_cell(5, execution_count=2), "Cell 5 (code [2]) has an execution count"),
    "code first": (drop_cell(1), "Cell 1 (markdown) has 0 titles"),
    "no Markdown first": (
        lambda notebook: notebook.cells.insert(0, new_code_cell("begin()")),
        "The first cell is not Markdown",
    ),
    "two titles": (replace(1, "**Goal", "# Again\n\n**Goal"), "has 2 titles"),
    "title further down": (set_source(4, "# Another"), "Cell 4 (markdown) has another title"),
    "small title": (replace(1, "# Why", "# why"), "no capital letter"),
    "no goal": (replace(1, "**Goal:**", "Goal:"), "lacks **Goal:**"),
    "no pay-off": (replace(1, "**You will learn**", "You learn"), "lacks **You will learn:**"),
    "no needs": (replace(1, "**You need:**", "Need:"), "lacks **You need:**"),
    "no time": (replace(1, "15 minutes to do", "some doing"), "lacks the time"),
    "two bullets": (replace(1, "- what a pool keeps\n", ""), "has 2 bullet points"),
    "six bullets": (replace(1, "- what a pool", "- a\n- b\n- c\n- what a pool"), "has 6 bullet"),
    "no advice": (replace(2, "kernel", "thing"), "which kernel to choose"),
    "advice elsewhere": (
        lambda notebook: notebook.cells.insert(2, new_markdown_cell("Go on.")),
        "which kernel to choose",
    ),
    "no begin": (replace(3, "await begin(", "await start("), "does not call begin(...)"),
    "late plot": (early_plots_removed, "None of the first 5 code cells calls show(...)"),
    "no finish": (drop_cell(9), "lacks `await finish(...)`"),
    "finish not awaited": (set_source(9, "finish(lesson)"), "lacks `await finish(...)`"),
    "more after finish": (
        lambda notebook: notebook.cells.append(new_code_cell("x = 1")),
        "Cell 10 (code [6]) is the last code cell and lacks",
    ),
    "no prediction": (set_source(5, "x = 1"), "asks for no prediction"),
    "foreign prediction": (set_source(5, 'predict("02.1", None)'), "has '02.1'"),
    "computed prediction": (set_source(5, "predict(name, None)"), "such as '01.1' and has ''"),
    "claim twice": (
        set_source(5, 'verify("It holds.", 1, 1)\nverify("It holds.", 2, 2)'), "is there twice",
    ),
    "claim without words": (set_source(5, "verify(claim, 1, 1)"), "needs its claim as a plain"),
    "prediction twice": (
        set_source(5, 'predict("01.1", None)\npredict("01.1", None)'), "'01.1' is there twice",
    ),
    "empty cell": (set_source(5, " \n"), "Cell 5 (code [2]) is empty"),
    "no Python": (set_source(5, "x = = 1"), "is not Python that can be parsed"),
    "shell": (set_source(5, "!ls"), "runs a shell line"),
    "shell value": (set_source(5, "names = !ls"), "runs a shell line"),
    "shell magic": (set_source(5, "%%bash\nls"), "uses the magic 'bash'"),
    "script magic": (set_source(5, "%%script sh\nls"), "uses the magic 'script'"),
    "load magic": (set_source(5, "%load answer.py"), "uses the magic 'load'"),
    "help": (set_source(5, "pool?"), "uses the magic 'pinfo'"),
    "other config": (set_source(5, "%config IPCompleter.x = 1"), "for InlineBackend only"),
    "timed await": (set_source(5, "%time await f()"), "%time does not measure an await"),
    "timed cell": (set_source(5, "%%time\nawait f()"), "%time does not measure an await"),
    "timed often": (set_source(5, "%timeit await f()"), "%timeit does not measure an await"),
    "timed call": (set_source(5, "%time f()"), "uses the magic 'time'"),
    "asyncio.run": (set_source(5, "asyncio.run(main())"), "calls asyncio.run"),
    "quit": (set_source(5, "quit()"), "ends the kernel"),
    "no limit": (set_source(5, "await pool.acquire()"), "acquires without a limit"),
    "no limit in with": (
        set_source(5, "async with pool.acquire() as c:\n    pass"), "acquires without a limit",
    ),
    "purpose without limit": (
        set_source(5, "# lint: waits on purpose\nawait pool.acquire()"),
        "acquires without a limit",
    ),
    "limit without purpose": (
        replace(8, "# lint: waits on purpose", "# why?"), "acquires without a limit",
    ),
    "purpose elsewhere": (
        set_source(5, "async with asyncio.timeout(1):\n    # lint: waits on purpose\n    pass\n"
                      "await pool.acquire()"),
        "acquires without a limit",
    ),
    "printed password": (set_source(5, "print(server.password)"), "puts a password into text"),
    "password by key": (set_source(5, "print(f\"{x['password']}\")"), "puts a password into"),
    "password by label": (set_source(5, "print('password:', x)"), "puts a password into text"),
    "password in a dsn": (set_source(5, "print(f'password={x}')"), "puts a password into text"),
    "formatted password": (set_source(5, "url = f'x:{password}@y'"), "puts a password into text"),
    "skipped": (set_source(5, "# NBVAL_SKIP\nx = 1"), "is left out by NBVAL_SKIP"),
    "skipped by tag": (set_cell(5, metadata={"tags": ["nbval-skip"]}), "left out by nbval-skip"),
    "marker in text": (set_source(4, "# NBVAL_IGNORE_OUTPUT"), "works in code cells only"),
    "tag on text": (
        set_cell(4, metadata={"tags": ["raises-exception"]}), "works in code cells only",
    ),
    "unknown marker": (set_source(5, "# NBVAL_IGNORE_OUTPUTS\nx = 1"), "nbval does not know"),
    "unknown tag": (set_cell(5, metadata={"tags": ["nbval-ignore"]}), "nbval does not know"),
    "open fence": (set_source(7, "```sql\nSELECT 1"), "does not close it"),
    "image without words": (replace(7, "![A curve]", "![]"), "picture.png has no alternative"),
    "HTML image": (set_source(7, '<img src="picture.png" alt="">'), "has no alternative text"),
    "lost image": (replace(7, "picture.png", "lost.png"), "links to lost.png"),
    "lost file": (set_source(4, "[x](02_next.ipynb)"), "links to 02_next.ipynb"),
    "lost reference": (set_source(4, "[x][1]\n\n[1]: lost.md"), "links to lost.md"),
    "lost heading": (set_source(4, "[x](#begin)"), "there is no such heading"),
    "lost heading elsewhere": (set_source(4, "[x](README.md#no)"), "there is no such heading"),
}  # fmt: skip
"""One fault each: how it is made, and a piece of the sentence that has to name it."""


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS, "notebooks/ holds no notebook, so that nothing was checked"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_keep_to_the_grammar(notebook: Path) -> None:
    assert lint(read_notebook(notebook), notebook) == []


def test_notebooks_are_numbered() -> None:
    assert lint_names(NOTEBOOKS) == []


def test_the_good_example_has_no_fault(path: Path) -> None:
    notebook = good_notebook()
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    assert lint(read_notebook(path), path) == []


@pytest.mark.parametrize("fault", BROKEN)
def test_each_fault_is_found(path: Path, fault: str) -> None:
    change, expected = BROKEN[fault]
    notebook = good_notebook()
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    change(notebook)
    messages = lint(notebook, path)
    assert any(expected in message for message in messages), messages


def test_missing_ids_in_a_file_are_found(path: Path) -> None:
    notebook = good_notebook()
    del notebook.cells[0]["id"]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert any("has no id of its own" in message for message in lint(read_notebook(path), path))


@pytest.mark.parametrize("name", ["00_start_here.ipynb", "90_reference.ipynb"])
def test_start_and_reference_may_leave_out_predictions(path: Path, name: str) -> None:
    notebook = good_notebook()
    set_source(5, "x = 1")(notebook)
    assert lint(notebook, path.with_name(name).resolve()) == [
        "Cell 4 (markdown) links to ./01_lesson.ipynb#Begin, and there is no such file: "
        "correct the link."
    ]


@pytest.mark.parametrize("name", ["00_start_here.ipynb", "90_tutorial_errata.ipynb"])
def test_start_and_reference_may_leave_out_the_plot_but_not_the_rest(path: Path, name: str) -> None:
    notebook = good_notebook()
    path.touch()
    set_source(4, "## Begin")(notebook)
    set_source(5, "x = 1")(notebook)
    set_source(6, "x = 1")(notebook)
    assert lint(notebook, path.with_name(name)) == []
    drop_cell(9)(notebook)
    assert any("await finish" in message for message in lint(notebook, path.with_name(name)))


def test_headings_of_other_files_are_known(path: Path) -> None:
    notebook = good_notebook()
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    set_source(4, "[lab](README.md#the-lab-how) [web](https://x.org) [me](mailto:a@b)")(notebook)
    assert lint(notebook, path) == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["01_a.ipynb", "02_b.ipynb"], []),
        (["Untitled.ipynb"], ["Untitled.ipynb is not named like"]),
        (["1_a.ipynb"], ["1_a.ipynb is not named like"]),
        (["01_A b.ipynb"], ["01_A b.ipynb is not named like"]),
        (["01_a.ipynb", "01_b.ipynb"], ["01_b.ipynb has the number of 01_a.ipynb"]),
    ],
)
def test_file_names(names: list[str], expected: list[str]) -> None:
    messages = lint_names([Path(name) for name in names])
    assert len(messages) == len(expected)
    for message, beginning in zip(messages, expected, strict=True):
        assert message.startswith(beginning)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('await check("1.1", answer)', ""),
        ("x = 2", "asks for no answer"),
        ('check("1.1", answer)', "has to be awaited"),
        ("await check(name, answer)", "an id such as '1.2'"),
        ('await check("1.1", a)\nawait check("1.1", b)', "'1.1' is there twice"),
    ],
)
def test_exercises_ask_for_answers_and_show_no_plot(path: Path, source: str, expected: str) -> None:
    notebook = good_notebook()
    set_source(4, "## A task")(notebook)
    set_source(5, source)(notebook)
    set_source(6, "x = 1")(notebook)
    said = lint(notebook, path.with_name("11_exercise.ipynb"))
    assert len(said) == bool(expected), said
    assert expected in "".join(said)
