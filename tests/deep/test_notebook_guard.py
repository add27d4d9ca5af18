"""Every kind of broken notebook, run by nbval under the guard: each has to go red."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guarded import BROKEN, GOOD, TOO_SLOW, Run, cells_of, run_pytest, write_notebooks


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The broken notebooks that fail quickly, in one run."""
    folder = tmp_path_factory.mktemp("notebooks")
    write_notebooks(folder, cells_of(BROKEN))
    return run_pytest(folder)


@pytest.fixture(scope="module")
def slow_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The notebooks that exceed their limit, run with a short one."""
    folder = tmp_path_factory.mktemp("slow_notebooks")
    write_notebooks(folder, TOO_SLOW)
    return run_pytest(folder, "--nbval-cell-timeout=1")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_notebook_fails_once_and_stops_there_with_its_reason(run: Run, name: str) -> None:
    assert run.code == 1
    run.check_failed_once(name, BROKEN[name])


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", TOO_SLOW)
def test_a_cell_that_exceeds_its_limit_fails_and_the_rest_is_not_run(
    slow_run: Run, name: str
) -> None:
    assert slow_run.code == 1
    assert slow_run.outcomes(name) == ["failure", "skipped"], slow_run.text


def test_a_swallowed_limit_is_named(slow_run: Run) -> None:
    message = slow_run.message("swallows_its_limit", 1)
    assert "the cell took longer than its limit of 1 s" in message


def test_a_run_of_good_notebooks_alone_ends_with_zero(tmp_path: Path) -> None:
    write_notebooks(tmp_path, {"good": GOOD["good"]})
    assert run_pytest(tmp_path).code == 0


@pytest.mark.parametrize("seconds", ["2000", "0"])
def test_limits_that_are_none_are_refused(tmp_path: Path, seconds: str) -> None:
    write_notebooks(tmp_path, {"good": GOOD["good"]})
    run = run_pytest(tmp_path, f"--nbval-cell-timeout={seconds}")
    assert run.code == 4
    assert f"--nbval-cell-timeout is {seconds}; choose more than 0 and at most 60" in run.text


def test_the_limit_is_60_seconds_when_none_is_asked_for(tmp_path: Path) -> None:
    write_notebooks(tmp_path, {"good": GOOD["good"]})
    plugin = "def pytest_unconfigure(config):\n    print(config.option.nbval_cell_timeout)\n"
    (tmp_path / "conftest.py").write_text(plugin, encoding="utf-8")
    run = run_pytest(tmp_path, "--collect-only", "-q")
    assert run.code == 0
    assert "60.0" in run.text.splitlines()


@pytest.mark.parametrize(
    "change",
    ["items.reverse()", "items.sort(key=lambda cell: cell.cell_num)"],
    ids=["reversed", "notebooks mixed"],
)
def test_cells_out_of_order_are_refused(tmp_path: Path, change: str) -> None:
    write_notebooks(tmp_path, {"one": ["x = 1", "x = 2"], "two": ["x = 1", "x = 2"]})
    plugin = f"def pytest_collection_modifyitems(items):\n    {change}\n"
    (tmp_path / "conftest.py").write_text(plugin, encoding="utf-8")
    run = run_pytest(tmp_path)
    assert run.code == 4
    assert "are not in their order" in run.text
