"""`lab` starts JupyterLab and PostgreSQL, and leaves nothing behind when it ends.

What happens when a part of it is killed or gets a signal alone is in tests/deep.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from labsupport.postgres import embedded_status, stop_embedded
from tests.commands.running import ENDED, Lab, ended_labs, run
from tests.homes import alive, processes_of

FIRST_CELL = """
from labsupport.postgres import find_server
server = await find_server()
print(server.address)
"""
BUSY = "import time; print('busy'); time.sleep(200)"
NOTIFICATION = "/lab/api/settings/@jupyterlab/apputils-extension:notification"


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


def test_it_answers_with_its_token_and_ctrl_c_ends_everything(
    lab: Lab, clone: Path, home: Path
) -> None:
    assert lab.said.count("?token=") == 1
    assert lab.ask("/api/contents", with_token=False) == 403
    assert "notebooks" in [entry["name"] for entry in lab.ask("/api/contents")["content"]]
    news = lab.ask(NOTIFICATION)["schema"]["properties"]
    assert news["fetchNews"]["default"] == "false"
    assert news["checkForUpdates"]["default"] is False
    assert lab.start_kernel() == str(clone / ".venv")
    family = lab.family()
    assert len(family) == 3
    places = places_to_connect_to(family)
    assert int(lab.address.rpartition(":")[2]) in {place.port for place in places}
    assert {place.ip for place in places} == {"127.0.0.1"}
    assert lab.interrupt(times=3) == 0
    assert lab.said.rstrip().endswith(ENDED)
    assert "Stopped PostgreSQL" in lab.said
    assert "Traceback" not in lab.said
    assert not [pid for pid in family if alive(pid)]
    assert processes_of(home) == []


def places_to_connect_to(family: list[int]) -> list[Any]:
    """Return the address and the port of every socket on which one of the processes listens."""
    return [
        connection.laddr
        for pid in family
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]


def test_ctrl_c_while_a_cell_computes_shows_no_traceback(lab: Lab, home: Path) -> None:
    assert lab.start_kernel(BUSY) == "busy"
    assert lab.interrupt() == 0
    assert lab.said.rstrip().endswith(ENDED)
    assert "Traceback" not in lab.said
    assert "Error" not in lab.said
    assert processes_of(home) == []


def test_a_server_that_a_kernel_has_restarted_ends_too(lab: Lab, home: Path) -> None:
    (old,) = embedded_status()
    stop_embedded()
    with socket.socket() as taken:
        # It comes back on another port than the one that the lab knows.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(old.address.rpartition(":")[2])))
        taken.listen()
        assert lab.start_kernel(FIRST_CELL) == embedded_status()[0].address != old.address
        assert lab.interrupt() == 0
    assert "Stopped PostgreSQL" in lab.said
    assert processes_of(home) == []


def test_two_labs_share_one_server_and_the_last_one_stops_it(
    lab: Lab, clone: Path, labs: list[Lab], home: Path
) -> None:
    labs.append(Lab(clone))
    other = labs[1].ready()
    assert other.address != lab.address
    assert "Starting PostgreSQL" not in other.said
    assert run(clone, "stop", "--remove").returncode == 1
    assert lab.interrupt() == 0
    assert "left running for another lab" in lab.said
    assert embedded_status()
    assert other.ask("/api/status")["started"]
    assert other.interrupt() == 0
    assert processes_of(home) == []


def test_a_port_that_was_asked_for_and_is_taken(clone: Path, home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run(clone, "lab", "--no-browser", "--port", port)
    assert done.returncode == 1
    assert f"Port {port} is taken" in done.stderr
    assert done.stdout == ""
    assert processes_of(home) == []


def test_a_server_that_cannot_be_reached_is_said_before_jupyterlab_starts(
    clone: Path, home: Path
) -> None:
    done = run(clone, "lab", "--no-browser", DB_HOST="127.0.0.1", DB_PORT="abc")
    assert done.returncode == 1
    assert done.stderr.startswith("DB_PORT is 'abc'")
    assert "Starting JupyterLab" not in done.stdout


def test_a_mistake_in_the_code_is_not_shown_as_a_traceback(clone: Path, home: Path) -> None:
    broken = clone / "labsupport" / "commands" / "reset.py"
    source = broken.read_text(encoding="utf-8")
    broken.write_text("raise ZeroDivisionError('by zero')\n", encoding="utf-8")
    try:
        done = run(clone, "reset")
    finally:
        broken.write_text(source, encoding="utf-8")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert str(home / "logs") in done.stderr
    assert os.listdir(home / "logs")
