"""The house's own rules: formatted, typed, rooms with one-way arrows, nothing private inside."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "labsupport"

COMMON = {"errors", "places", "ports"}
"""Modules at the top of labsupport that every room may import, unless `ARROWS` says less."""

ARROWS: dict[str, set[str]] = {
    "postgres": COMMON,
    "measuring": {"errors"},
    "pooling": set(),
    "lessons": {"postgres", "measuring", *COMMON},
    "exercises": {"postgres", "pooling", "service", *COMMON},
    "service": {"pooling", "postgres", "errors"},
    "workshop": {"exercises", "postgres", "measuring", *COMMON},
    "commands": {"exercises", "postgres", "measuring", "lessons", "workshop", *COMMON},
    "__main__": {"commands"},
    "fleet_process": {"postgres"},
    "errors": set(),
    "places": set(),
    "ports": set(),
    "__init__": set(),
}
"""What each room, or module at the top, may import of labsupport besides itself."""

BEFORE_SETUP = ("__init__.py", "__main__.py", "commands/__init__.py", "commands/bootstrap.py")
"""What runs before `.venv` exists: any Python 3 has to be able to read it."""

OLD_PYTHON = (3, 8)
NEWER_THAN_OLD_PYTHON = {"graphlib", "tomllib", "zoneinfo"}
TEXT_FILES = {
    "", ".cfg", ".css", ".csv", ".html", ".ini", ".ipynb", ".js", ".json", ".md", ".py", ".sh",
    ".sql", ".svg", ".toml", ".txt", ".yaml", ".yml", ".example",
}  # fmt: skip
NOT_OURS = {"my_work", "artefacts", "build", "dist", "htmlcov", "wheels", "__pycache__"}
OURS_THOUGH_HIDDEN = {".ci", ".github", ".gitignore", ".env.example"}

UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
HOME = re.compile(r"/[r]oot/|/[h]ome/\w|/[U]sers/\w|\b[A-Za-z]:\\{1,2}[U]sers\\", re.ASCII)


def is_ours(path: Path) -> bool:
    """Whether a file or folder belongs to the repository, and not to a tool or a learner."""
    if path.name.startswith("."):
        return path.name in OURS_THOUGH_HIDDEN
    return path.name not in NOT_OURS and path.suffix != ".egg-info"


def our_files(folder: Path = ROOT) -> list[Path]:
    """Every text file of the repository; read from the disk, because a ZIP has no git."""
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.is_dir() and is_ours(path):
            found += our_files(path)
        elif path.is_file() and is_ours(path) and path.suffix in TEXT_FILES:
            found.append(path)
    return found


def lines_with(pattern: re.Pattern[str], files: Iterable[Path]) -> list[str]:
    """Where the pattern stands: file, line number and line."""
    return [
        f"{path}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]


def modules() -> list[Path]:
    """Every module of labsupport."""
    return sorted(PACKAGE.rglob("*.py"))


def dotted(path: Path, package: Path = PACKAGE) -> list[str]:
    """The full name in parts: `labsupport/postgres/find.py` is labsupport, postgres, find."""
    parts = [package.name, *path.relative_to(package).with_suffix("").parts]
    return parts[:-1] if parts[-1] == "__init__" else parts


def run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below `node` that run when the module is imported: not the bodies of functions."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from run_at_import(child)


def imports(source: str, package: list[str], *, later_too: bool = True) -> set[str]:
    """The full names that a module of `package` imports, relative ones resolved.

    `from a import b` gives both "a" and "a.b", because b may be a module. With `later_too`
    the imports inside functions count as well.
    """
    names: set[str] = set()
    tree = ast.parse(source)
    for node in ast.walk(tree) if later_too else run_at_import(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


def imports_of(path: Path, *, later_too: bool = True) -> set[str]:
    """The full names that a module of labsupport imports."""
    name = dotted(path)
    package = name if path.name == "__init__.py" else name[:-1]
    return imports(path.read_text(encoding="utf-8"), package, later_too=later_too)


def room_of(path: Path) -> str:
    """The room in which a module of labsupport lies, or its own name at the top."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def rooms_among(names: set[str]) -> set[str]:
    """The rooms of labsupport that stand in a set of full names."""
    parts = [name.split(".") for name in names]
    return {part[1] for part in parts if part[0] == "labsupport" and len(part) > 1}


def forbidden(room: str, names: set[str]) -> set[str]:
    """The rooms that a module of `room` imports against the arrows."""
    existing = {room_of(path) for path in modules()}
    return (rooms_among(names) & existing) - ARROWS[room] - {room}


def run_tool(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of this environment in the clone."""
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, encoding="utf-8",
        timeout=110,
    )  # fmt: skip


@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)],
    ids=" ".join,
)
def test_tools_have_nothing_to_say(command: tuple[str, ...]) -> None:
    done = run_tool(*command)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("call", ["open('x')", "Path('x').read_text()", "Path('x').write_text('')"])
def test_ruff_asks_for_encodings(tmp_path: Path, call: str) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text(f"from pathlib import Path\n\nPath()\n{call}\n", encoding="utf-8")
    done = run_tool(
        "ruff", "check", "--no-cache", "--config", str(ROOT / "pyproject.toml"),
        "--output-format", "concise", str(sample),
    )  # fmt: skip
    assert "encoding" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("name", BEFORE_SETUP)
def test_what_runs_before_setup_is_there(name: str) -> None:
    assert (PACKAGE / name).is_file(), f"labsupport/{name} does not exist"


def test_an_old_python_can_read_what_runs_before_setup() -> None:
    """So that it gets as far as the sentence that says which Python is needed."""
    for path in before_setup():
        ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=OLD_PYTHON)


def test_what_runs_before_setup_needs_the_standard_library_only() -> None:
    allowed = (sys.stdlib_module_names - NEWER_THAN_OLD_PYTHON) | {"labsupport"}
    for path in before_setup():
        names = {name.split(".")[0] for name in imports_of(path, later_too=False)}
        assert names <= allowed, f"{path} imports {names - allowed}"


def before_setup() -> set[Path]:
    """`BEFORE_SETUP` and every module of labsupport that is imported with it, and so on."""
    waiting = [PACKAGE / name for name in BEFORE_SETUP]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            names = imports_of(path, later_too=False)
            waiting += [file for name in names if (file := module_file(name))]
    return found


def module_file(name: str) -> Path | None:
    """The file of a module of labsupport, by its full name; None for anything else."""
    first, *rest = name.split(".")
    if first != PACKAGE.name:
        return None
    base = PACKAGE.joinpath(*rest)
    files = [base / "__init__.py"] if not rest else [base.with_suffix(".py"), base / "__init__.py"]
    return next((file for file in files if file.is_file()), None)


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_arrows_between_rooms_point_one_way(path: Path) -> None:
    room = room_of(path)
    assert room in ARROWS, f"say in ARROWS what {room} may import"
    assert forbidden(room, imports_of(path)) == set()


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_modules_say_what_they_are_and_what_they_offer(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module has no docstring"
    at_the_top = path.parent == PACKAGE and path.name in ("__init__.py", "__main__.py")
    if not at_the_top and len(tree.body) > 1:  # A docstring alone offers nothing.
        assert "__all__" in assigned(tree), "the module does not say what it offers: __all__"


def assigned(tree: ast.Module) -> set[str]:
    """The names that are assigned at the top of a module."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def test_nothing_is_unfinished() -> None:
    assert lines_with(UNFINISHED, our_files()) == []


def test_no_home_folder_is_written_down() -> None:
    assert lines_with(HOME, our_files()) == []


def test_locks_name_no_registry() -> None:
    locks = sorted(ROOT.glob("requirements*.txt"))
    assert locks, "there is no requirements*.txt"
    assert lines_with(re.compile(r"://|^\s*-(?!e \.)"), locks) == []


def test_the_files_of_the_repository_are_found() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in our_files()}
    assert {"README.md", ".gitignore", "pyproject.toml", "labsupport/errors.py"} <= names
    assert not any(name.startswith((".venv", ".git/", "my_work")) for name in names)


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("x = 1  # TO" + "DO", UNFINISHED),
        ("# FIX" + "ME: later", UNFINISHED),
        ("path = '/ro" + "ot/lab'", HOME),
        ("path = '/ho" + "me/ann/lab'", HOME),
        ("path = 'C:" + "\\\\Users\\\\ann'", HOME),
        ("path = r'c:" + "\\Users\\ann'", HOME),
    ],
)
def test_forbidden_lines_are_recognised(
    tmp_path: Path, line: str, pattern: re.Pattern[str]
) -> None:
    sample = tmp_path / "sample.py"
    sample.write_text(f"first = 1\n{line}\n", encoding="utf-8")
    assert lines_with(pattern, [sample]) == [f"{sample}:2: {line}"]


@pytest.mark.parametrize(
    ("room", "source", "expected"),
    [
        ("postgres", "from labsupport.errors import LabError", set()),
        ("postgres", "from labsupport.measuring import measure", {"measuring"}),
        ("postgres", "from labsupport import lessons", {"lessons"}),
        ("postgres", "from ..lessons import begin", {"lessons"}),
        ("postgres", "from .find import find_server", set()),
        ("postgres", "def f():\n    import labsupport.commands.lab", {"commands"}),
        ("measuring", "from labsupport.places import work_folder", {"places"}),
        ("measuring", "import labsupport.errors", set()),
        ("lessons", "from labsupport.measuring import measure", set()),
        ("lessons", "from labsupport.commands import lab", {"commands"}),
        ("errors", "from .places import work_folder", {"places"}),
    ],
)
def test_arrows_the_wrong_way_are_recognised(room: str, source: str, expected: set[str]) -> None:
    package = ["labsupport"] if (PACKAGE / f"{room}.py").exists() else ["labsupport", room]
    assert forbidden(room, imports(source, package)) == expected


def test_imports_inside_functions_are_told_apart() -> None:
    source = (
        "import os\ntry:\n    import re\nexcept OSError:\n    pass\ndef f():\n    import asyncpg"
    )
    assert imports(source, ["labsupport"]) == {"os", "re", "asyncpg"}
    assert imports(source, ["labsupport"], later_too=False) == {"os", "re"}
