"""The map of findings is complete and exact: each has one place, and its claim stands there."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.notebook_lint import Lesson, read_notebook, text_argument

ROOT = Path(__file__).resolve().parent.parent
MAP = Path(__file__).with_name("findings.toml")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
IDS = {f"D{n:02}" for n in range(1, 58)} | {f"P{n}" for n in range(1, 27)}
KEYS = {"about", "notebook", "claim"}

Findings = Mapping[str, Mapping[str, str]]
Claims = Mapping[str, set[str]]


def read_map(path: Path = MAP) -> Findings:
    """The map. An id that stands there twice is an error of TOML."""
    findings: Findings = tomllib.loads(path.read_text(encoding="utf-8"))
    return findings


def claims_of(path: Path) -> set[str]:
    """What the `verify` calls of a notebook claim, at any depth."""
    cells = Lesson(read_notebook(path), path).code
    return {text_argument(call) for cell in cells for call in cell.calls_of("verify")}


def problems(findings: Findings, claims: Claims) -> list[str]:
    """What is wrong with the map; `claims` has the claims of each notebook by its stem."""
    found = [f"{name} is missing." for name in sorted(IDS - set(findings))]
    found += [f"{name} is no finding." for name in sorted(set(findings) - IDS)]
    for name, entry in findings.items():
        if set(entry) != KEYS or not all(entry.values()):
            found.append(f"{name} needs {sorted(KEYS)} and has {sorted(entry)}.")
        elif entry["claim"] not in claims.get(entry["notebook"], set()):
            found.append(f"{name}: {entry['notebook']} does not verify {entry['claim']!r}.")
    return found


@pytest.fixture(scope="module")
def claims() -> Claims:
    """The claims of each notebook."""
    return {path.stem: claims_of(path) for path in NOTEBOOKS}


def test_each_finding_has_one_place_and_is_verified_there(claims: Claims) -> None:
    assert problems(read_map(), claims) == []


def changed(name: str, **changes: str | None) -> Findings:
    """The map with one entry changed; None takes a key away."""
    findings = {key: dict(entry) for key, entry in read_map().items()}
    entry = {**findings.get(name, {}), **changes}
    return findings | {name: {key: value for key, value in entry.items() if value is not None}}


def without(name: str) -> Findings:
    """The map without one entry."""
    return {key: entry for key, entry in read_map().items() if key != name}


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        (without("D01"), "D01 is missing."),
        (changed("D58", about="x"), "D58 is no finding."),
        (changed("D02", claim="Something else."), "D02: 90_tutorial_errata does not verify"),
        (changed("D02", notebook="03_create_a_pool"), "D02: 03_create_a_pool does not verify"),
        (changed("D02", notebook="99_nowhere"), "D02: 99_nowhere does not verify"),
        (changed("D02", claim=None), "D02 needs ['about', 'claim', 'notebook']"),
        (changed("D02", about=""), "D02 needs"),
        (changed("D02", later="No time."), "D02 needs"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_fault_of_the_map_is_found(findings: Findings, expected: str, claims: Claims) -> None:
    [found] = [text for text in problems(findings, claims) if text.startswith(expected)]
    assert found


def test_a_finding_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    twice = tmp_path / "findings.toml"
    text = MAP.read_text(encoding="utf-8")
    twice.write_text(text + '\n[D01]\nabout = "x"\n', encoding="utf-8")
    with pytest.raises(tomllib.TOMLDecodeError):
        read_map(twice)
