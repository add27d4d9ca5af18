"""Every file of the state that can be spoilt, and servers whose data or watchers are gone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from labsupport.commands.stop import remove_state
from labsupport.postgres import embedded_status, ensure_embedded, stop_embedded
from tests.bad_input.spoiling import (
    HOPELESS,
    MENDED,
    begin,
    check_is_said,
    check_mended,
    folder_of,
)
from tests.homes import alive, temporary_home, wait_until


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """A home whose server has been made."""
    with temporary_home() as folder:
        ensure_embedded(settings={})
        yield folder


@pytest.mark.parametrize("case", MENDED)
def test_what_can_be_made_again_is(state: Path, case: str) -> None:
    check_mended(state, MENDED[case])


@pytest.mark.parametrize("case", HOPELESS)
def test_what_cannot_be_made_again_is_said(state: Path, case: str) -> None:
    check_is_said(state, HOPELESS[case])


def test_a_server_whose_data_were_deleted_is_ended_by_stop(state: Path) -> None:
    begin()
    pid = embedded_status()[0].server_pid
    shutil.rmtree(folder_of(state) / "server")
    stop_embedded()
    wait_until(lambda: not alive(pid), "the server ends")
    assert embedded_status() == []


def test_a_server_that_nobody_watches_is_ended_without_the_note_of_its_programs(
    state: Path,
) -> None:
    begin()
    status = embedded_status()[0]
    guard = psutil.Process(status.supervisor_pid).children()[0]
    watchers = [psutil.Process(status.supervisor_pid), guard]
    for process in watchers:
        process.kill()
    wait_until(lambda: not any(alive(process.pid) for process in watchers), "both have ended")
    (folder_of(state) / "programs").unlink()
    assert alive(status.server_pid)
    assert stop_embedded().stopped == ["PostgreSQL 18 (left behind)"]
    assert not alive(status.server_pid)


def test_after_stop_remove_the_next_start_makes_everything_anew(state: Path) -> None:
    (folder_of(state) / "passwords.json").write_text("", encoding="utf-8")
    stop_embedded()
    remove_state(state)
    assert not state.exists()
    begin()
