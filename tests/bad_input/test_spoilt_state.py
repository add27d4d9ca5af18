"""Files of the state that are lost, half-written or changed by hand."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from labsupport.commands.labs import other_labs, registered
from labsupport.commands.stop import remove_state
from labsupport.errors import LabError
from labsupport.postgres import (
    embedded_status,
    ensure_embedded,
    ensure_kernel_database,
    inspect_server,
    stop_embedded,
)
from labsupport.postgres.binaries import find_binaries
from labsupport.postgres.cluster import Cluster
from labsupport.postgres.status import STATUS, me, read_status, write_status
from tests.homes import alive, temporary_home, wait_until

Spoil = Callable[[Path], object]


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """A home whose server has been made."""
    with temporary_home() as folder:
        ensure_embedded(settings={})
        yield folder


def begin() -> str:
    """Do what a first cell does, and return the name of this kernel's database."""

    async def prepare() -> str:
        server = ensure_embedded(settings={})
        await inspect_server(server)
        return await ensure_kernel_database(server)

    return asyncio.run(prepare())


def folder_of(state: Path) -> Path:
    return state / "servers" / "18"


def write(name: str, text: str) -> Spoil:
    """Replace the text of a file of the state."""
    return lambda state: (state / name).write_text(text, encoding="utf-8")


def spoil_port(state: Path) -> None:
    """Let a living supervisor's note name a port that is none."""
    note = folder_of(state) / "server.json"
    content = json.loads(note.read_text(encoding="utf-8"))
    note.write_text(json.dumps({**content, "port": "abc"}), encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"port": 5432, "superv',
        "[]",
        "5432",
        '{"port": 5432}',
        '{"port": 5432, "supervisor": {"pid": "x", "started": 1}}',
        '{"port": 5432, "supervisor": {"pid": 1e400, "started": 1}}',
        '{"port": "abc", "supervisor": MYSELF}',
        '{"port": 99999, "supervisor": MYSELF}',
    ],
)
def test_a_note_about_a_server_that_is_spoilt_is_no_note(tmp_path: Path, text: str) -> None:
    note = tmp_path / STATUS
    note.write_text(text.replace("MYSELF", json.dumps(me())), encoding="utf-8")
    assert read_status(tmp_path) is None
    write_status(tmp_path, 5432)
    assert read_status(tmp_path) == {"port": 5432, "supervisor": me()}


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_port,
        lambda state: (folder_of(state) / "server.json").unlink(),
        write("clone_name", ""),
        write("clone_name", 'a"; b'),
        lambda state: shutil.rmtree(folder_of(state) / "server"),
    ],
    ids=["note without port", "note lost", "name empty", "name changed", "data deleted"],
)
def test_what_can_be_made_again_is(state: Path, spoil: Spoil) -> None:
    begin()
    before = embedded_status()[0]
    spoil(state)
    name = begin()
    assert re.fullmatch(r"lab_kernel_[0-9a-f]{6}_\d+_\d+", name)
    (now,) = embedded_status()
    # One server, and not a second one that nobody watches.
    assert now.server_pid == before.server_pid or not alive(before.server_pid)


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


@pytest.mark.parametrize(
    ("file", "text", "running", "wrong"),
    [
        ("passwords.json", '{"superuser": "', True, "passwords.json is missing or spoilt"),
        ("passwords.json", None, False, "passwords.json is missing or spoilt"),
        ("passwords.json", '{"superuser": "a", "lab": "b"}', True, "refuses the role 'lab'"),
        ("passwords.json", '{"superuser": "a", "lab": "b"}', False, "are not those of its server"),
        ("server/data/global/pg_control", None, False, "PostgreSQL did not start. Its log says"),
    ],
    ids=["half-written", "lost", "others", "others while stopped", "data spoilt"],
)
def test_what_cannot_be_made_again_is_said(
    state: Path, file: str, text: str | None, running: bool, wrong: str
) -> None:
    begin()
    secret = Cluster(folder_of(state), find_binaries({})).passwords()["lab"]
    if not running:
        stop_embedded()
    path = folder_of(state) / file
    aside = path.rename(path.with_suffix(".aside"))
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(LabError) as said:
        begin()
    aside.replace(path)
    sentence = str(said.value)
    assert wrong in sentence and "stop --remove" in sentence
    assert len(sentence.splitlines()) == 1
    assert secret not in sentence
    begin()


def test_after_stop_remove_the_next_start_makes_everything_anew(state: Path) -> None:
    (folder_of(state) / "passwords.json").write_text("", encoding="utf-8")
    stop_embedded()
    remove_state(state)
    assert not state.exists()
    begin()


def test_notes_of_labs_that_are_none_are_passed_over(state: Path) -> None:
    with registered():
        for name, text in {"1.json": "", "2.json": "[]", "3.json": '{"pid": "x"}'}.items():
            (state / "labs" / name).write_text(text, encoding="utf-8")
        assert other_labs() == []
