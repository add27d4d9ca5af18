"""The sample data is what its script makes."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from labsupport.places import project_root


@pytest.mark.parametrize("table", ["users", "profiles", "orders"])
def test_the_script_makes_the_files_that_are_committed(tmp_path: Path, table: str) -> None:
    data = project_root() / "data"
    runpy.run_path(str(data / "make_data.py"))["write"](tmp_path)
    assert (tmp_path / f"{table}.csv").read_bytes() == (data / f"{table}.csv").read_bytes()
