"""Every verb installs what it needs: no notebook of it imports a package that its lock lacks."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import shlex
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from labsupport.commands import launcher
from labsupport.commands.arguments import make_parser
from tests.test_style import PACKAGE, ROOT, dotted, imports, module_file

NOTEBOOKS = {path.stem: path for path in (ROOT / "notebooks").glob("*.ipynb")}
WORKSHOP_ONLY = {"17_run_a_fleet"}
"""Notebooks that say in their head that they need `lab --workshop`."""
RUNS = {
    "lab": NOTEBOOKS.keys() - WORKSHOP_ONLY,
    "lab --workshop": NOTEBOOKS.keys(),
    "render": NOTEBOOKS.keys(),
    "test": NOTEBOOKS.keys(),
    "test --container": NOTEBOOKS.keys(),
    "test --deep": NOTEBOOKS.keys(),
    "test --browser": NOTEBOOKS.keys(),
    "test --workshop": NOTEBOOKS.keys(),
    "measure": set[str](),
    "workshop progress folder": set[str](),
}
"""The notebooks that each verb with a set-up runs or opens."""


def code_of(notebook: Path) -> str:
    """Return the Python of a notebook."""
    cells = nbformat.read(str(notebook), as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


def named_modules(source: str, package: list[str]) -> set[str]:
    """Return what a module imports, also what it names in `importlib.import_module("...")`."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    late = {
        str(call.args[0].value)
        for call in calls
        if ast.unparse(call.func).endswith("import_module")
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }
    return imports(source, package) | late


def parents(name: str) -> Iterator[str]:
    """Yield a module's name and those of the packages that are imported before it."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])


@cache
def needed_by(path: Path) -> frozenset[str]:
    """Return what a module of labsupport imports itself."""
    name = dotted(path)
    package = name if path.name == "__init__.py" else name[:-1]
    return frozenset(named_modules(path.read_text(encoding="utf-8"), package))


def packages_of(names: set[str]) -> set[str]:
    """Return the packages without which these modules, and what they import, do not work."""
    waiting = {part for name in names for part in parents(name)}
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        file = module_file(name)
        if file:
            more = {part for below in needed_by(file) for part in parents(below)}
            waiting |= more - seen
    others = {name.split(".")[0] for name in seen} - sys.stdlib_module_names - {PACKAGE.name}
    providers = importlib.metadata.packages_distributions()
    return {canonicalize_name(providers[name][0]) for name in others if name in providers}


def locked(lock: str) -> set[str]:
    """Return the packages of a lock, whatever system they are for."""
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    return {canonicalize_name(Requirement(line).name) for line in lines if re.match(r"\w", line)}


@pytest.mark.parametrize("line", RUNS)
def test_a_verb_installs_what_its_notebooks_import(line: str) -> None:
    options = make_parser().parse_args(shlex.split(line))
    needs = launcher._needs(options)
    assert needs is not None
    verb = launcher.MODULES.get(options.verb, options.verb)
    names = {f"labsupport.commands.{verb}"}
    for notebook in RUNS[line]:
        names |= named_modules(code_of(NOTEBOOKS[notebook]), [])
    packages = packages_of(names)
    assert "asyncpg" in packages
    assert packages - locked(needs.lock) == set()


def test_every_verb_with_a_set_up_is_looked_at() -> None:
    assert {line.split()[0] for line in RUNS} == set(launcher.SETS_UP)


def test_what_only_the_workshop_has_is_found_in_its_notebook() -> None:
    for notebook in WORKSHOP_ONLY:
        packages = packages_of(named_modules(code_of(NOTEBOOKS[notebook]), []))
        assert packages - locked("requirements.txt") == {"ipyparallel"}
