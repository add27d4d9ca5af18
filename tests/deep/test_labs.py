"""Labs that start at once, and labs of which a part is killed or gets a signal alone."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from labsupport.commands.labs import port_turn
from labsupport.postgres import embedded_status, stop_embedded
from tests.commands.conftest import clone, home
from tests.commands.running import ENDED, Lab, end_processes_of, ended_labs
from tests.homes import alive, processes_of, wait_until

__all__ = ["clone", "home"]


@pytest.fixture
def labs(clone: Path, home: Path) -> Iterator[list[Lab]]:
    """Labs to be ended after the test, whatever happened in it."""
    with ended_labs(clone) as started:
        yield started


@pytest.fixture
def lab(clone: Path, labs: list[Lab]) -> Lab:
    """A lab that is ready."""
    labs.append(Lab(clone))
    return labs[0].ready()


def test_two_labs_that_start_at_once(clone: Path, home: Path) -> None:
    # Both stand before the choice of a port before either may go on.
    with port_turn():
        labs = [Lab(clone), Lab(clone)]
        try:
            for lab in labs:
                lab.wait_for("Starting JupyterLab")
            time.sleep(2)
            assert not any("?token=" in lab.said for lab in labs)
        except BaseException:
            end_processes_of(clone)
            raise
    try:
        for lab in labs:
            lab.ready()
        assert labs[0].address != labs[1].address
        assert len(embedded_status()) == 1
        assert sum("Starting PostgreSQL" in lab.said for lab in labs) == 1
        assert sum("Loading the sample data" in lab.said for lab in labs) == 1
        assert [lab.interrupt() for lab in labs] == [0, 0]
        assert sum("Stopped PostgreSQL" in lab.said for lab in labs) == 1
        assert processes_of(home) == []
    finally:
        stop_embedded()
        end_processes_of(clone)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_launcher_alone_is_passed_on(
    lab: Lab, home: Path, number: signal.Signals
) -> None:
    family = lab.family()
    lab.launcher.send_signal(number)
    # After 30 s the launcher would end it in any case.
    assert lab.launcher.wait(timeout=20) == 0
    assert not [pid for pid in family if alive(pid)]
    assert processes_of(home) == []


def test_ctrl_c_while_postgres_starts(clone: Path, labs: list[Lab], home: Path) -> None:
    labs.append(Lab(clone))
    labs[0].wait_for("Starting PostgreSQL")
    assert labs[0].interrupt(times=2) == 0
    assert "Traceback" not in labs[0].said
    assert processes_of(home) == []


def test_a_killed_launcher_takes_everything_with_it(lab: Lab, home: Path) -> None:
    lab.start_kernel()
    family = lab.family()
    lab.launcher.kill()
    lab.launcher.wait(timeout=20)
    wait_until(lambda: not [pid for pid in family if alive(pid)], "all have ended", 40)
    assert ENDED in lab.said
    assert processes_of(home) == []


def test_a_killed_server_takes_its_kernels_with_it_and_the_next_lab_works(
    lab: Lab, clone: Path, labs: list[Lab], home: Path
) -> None:
    lab.start_kernel()
    family = lab.family()
    psutil.Process(lab.server()).kill()
    assert lab.launcher.wait(timeout=20) == 128 + signal.SIGKILL
    wait_until(lambda: not [pid for pid in family if alive(pid)], "all have ended", 40)
    labs.append(Lab(clone))
    labs[1].ready()
    # The killed lab had started PostgreSQL; the next one inherits the duty to stop it.
    assert labs[1].interrupt() == 0
    assert "Stopped PostgreSQL" in labs[1].said
    assert processes_of(home) == []
