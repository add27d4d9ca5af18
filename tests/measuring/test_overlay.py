"""Several files laid over each other, broken ones among them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from labsupport.errors import LabError
from labsupport.measuring import Comparison, compare, overlay, quiet

from .conftest import SHORT, sleeper

SLOW = (0.01, 0.03)


async def saved(path: Path, slow: float) -> Comparison:
    path.parent.mkdir(exist_ok=True)
    arms = {"slow": sleeper(slow), "fast": sleeper(0.001)}
    comparison = await compare(arms, SHORT, progress=quiet())
    comparison.save(path)
    return comparison


async def test_each_file_has_its_rows_with_ratio_limit_and_machine(tmp_path: Path) -> None:
    paths = [tmp_path / "anna.json", tmp_path / "ben.json"]
    first, second = [
        await saved(path, slow) for path, slow in zip(paths, (0.01, 0.03), strict=True)
    ]
    laid = overlay(paths)
    assert list(laid.comparisons) == ["anna", "ben"]
    assert laid.arms == ("slow", "fast")
    assert laid.left_out == {}
    table = laid.table()
    assert list(table.index) == [(f, a) for f in ("anna", "ben") for a in ("slow", "fast")]
    assert table.loc[("anna", "fast"), "ratio"] == first.ratio().median
    assert table.loc[("ben", "fast"), "ratio from"] == second.ratio().low
    assert math.isnan(table.loc[("ben", "slow"), "ratio"])
    assert table.loc[("anna", "slow"), "requests"] == first.results["slow"].requests
    assert table["machine"].str.contains("CPUs").all()
    assert set(table["limited by"]) <= {"server", "client"}


async def test_files_of_the_same_name_and_given_names_are_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / "a" / "mine.json", tmp_path / "b" / "mine.json"]
    for path in paths:
        await saved(path, 0.01)
    assert list(overlay(paths).comparisons) == [str(path) for path in paths]
    assert list(overlay({"me": paths[0], "you": paths[1]}).comparisons) == ["me", "you"]


async def test_a_broken_file_is_left_out_and_named(tmp_path: Path) -> None:
    good, broken = tmp_path / "good.json", tmp_path / "broken.json"
    await saved(good, 0.01)
    broken.write_text("{", encoding="utf-8")
    laid = overlay([good, broken, tmp_path / "absent.json"])
    assert list(laid.comparisons) == ["good"]
    assert set(laid.left_out) == {"broken", "absent"}
    assert "broken.json is broken" in laid.left_out["broken"]


@pytest.mark.parametrize("names", [[], ["absent.json"]])
def test_without_a_readable_file_there_is_one_sentence(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(LabError, match="No comparison can be laid over another"):
        overlay([tmp_path / name for name in names])
