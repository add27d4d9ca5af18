"""Ways to spoil the files of the state, and what has to come of each."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

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
from tests.homes import alive

__all__ = [
    "HOPELESS",
    "MENDED",
    "Hopeless",
    "begin",
    "check_is_said",
    "check_mended",
    "folder_of",
]

Spoil = Callable[[Path], object]


def begin() -> str:
    """Do what a first cell does, and return the name of this kernel's database."""

    async def prepare() -> str:
        server = ensure_embedded(settings={})
        await inspect_server(server)
        return await ensure_kernel_database(server)

    return asyncio.run(prepare())


def folder_of(state: Path) -> Path:
    """Return the folder of the server that a home has."""
    return state / "servers" / "18"


def write(name: str, text: str) -> Spoil:
    """Replace the text of a file of the state."""
    return lambda state: (state / name).write_text(text, encoding="utf-8")


def spoil_port(state: Path) -> None:
    """Let a living supervisor's note name a port that is none."""
    note = folder_of(state) / "server.json"
    content = json.loads(note.read_text(encoding="utf-8"))
    note.write_text(json.dumps({**content, "port": "abc"}), encoding="utf-8")


MENDED: dict[str, Spoil] = {
    "note without port": spoil_port,
    "note lost": lambda state: (folder_of(state) / "server.json").unlink(),
    "name empty": write("clone_name", ""),
    "name changed": write("clone_name", 'a"; b'),
    "data deleted": lambda state: shutil.rmtree(folder_of(state) / "server"),
}
"""What the next start makes again."""


@dataclass(frozen=True)
class Hopeless:
    """A file of a server's folder, its new text (None: it is lost), and the sentence about it."""

    file: str
    text: str | None
    running: bool
    """Whether the server runs while it happens."""
    wrong: str


HOPELESS = {
    "half-written": Hopeless(
        "passwords.json", '{"superuser": "', True, "passwords.json is missing or spoilt"
    ),
    "lost": Hopeless("passwords.json", None, False, "passwords.json is missing or spoilt"),
    "others": Hopeless(
        "passwords.json", '{"superuser": "a", "lab": "b"}', True, "refuses the role 'lab'"
    ),
    "others while stopped": Hopeless(
        "passwords.json",
        '{"superuser": "a", "lab": "b"}',
        False,
        "are not those of its server",
    ),
    "data spoilt": Hopeless(
        "server/data/global/pg_control", None, False, "PostgreSQL did not start. Its log says"
    ),
}
"""What nobody can make again."""


def check_mended(state: Path, spoil: Spoil) -> None:
    """Spoil something, begin again, and find one server that is watched."""
    begin()
    before = embedded_status()[0]
    spoil(state)
    name = begin()
    assert re.fullmatch(r"lab_kernel_[0-9a-f]{6}_\d+_\d+", name)
    (now,) = embedded_status()
    # One server, and not a second one that nobody watches.
    assert now.server_pid == before.server_pid or not alive(before.server_pid)


def check_is_said(state: Path, case: Hopeless) -> None:
    """Spoil something, and find a sentence without a secret that says how to begin anew."""
    begin()
    secret = Cluster(folder_of(state), find_binaries({})).passwords()["lab"]
    if not case.running:
        stop_embedded()
    path = folder_of(state) / case.file
    aside = path.rename(path.with_suffix(".aside"))
    if case.text is not None:
        path.write_text(case.text, encoding="utf-8")
    with pytest.raises(LabError) as said:
        begin()
    aside.replace(path)
    sentence = str(said.value)
    assert case.wrong in sentence and "stop --remove" in sentence
    assert len(sentence.splitlines()) == 1
    assert secret not in sentence
    begin()
