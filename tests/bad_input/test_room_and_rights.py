"""A disk without room and folders without rights: one sentence, and nothing half-made."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from labsupport.commands.bootstrap import LOCK, LOG
from labsupport.commands.failures import guarded
from labsupport.errors import cannot_write
from labsupport.postgres import Server
from labsupport.postgres.binaries import find_binaries
from labsupport.postgres.find import explain_refusal
from tests.bad_input.limits import bound_by_permissions, with_small_files
from tests.commands.running import command, run

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has neither permission bits nor limits on files"
)

COPIED_BY_ROOT = 1_000_000
"""Bytes: less than PostgreSQL's largest programs, which root's lab copies."""
SMALLER_THAN_A_LOG_OF_WRITES = 10_000_000
"""Bytes: less than a segment of PostgreSQL's write-ahead log, more than any program."""
NOTHING = "# nothing\n"


def run_limited(
    clone: Path, limit: Callable[[], None], *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a verb under a limit and return what it said."""
    return subprocess.run(
        command(*arguments),
        cwd=clone,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
        preexec_fn=limit,
    )


def check_sentence(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    """One line with all the parts, and exit code 1."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for part in parts:
        assert part in done.stderr, done.stderr


@pytest.fixture
def fresh(clone: Path) -> Iterator[Path]:
    """The clone before its set-up, with a lock that names nothing."""
    aside = clone.with_name("aside")
    lock = clone / "requirements.txt"
    named = lock.read_bytes()
    (clone / ".venv").rename(aside)
    lock.write_text(NOTHING, encoding="utf-8")
    yield clone
    lock.write_bytes(named)
    shutil.rmtree(clone / ".venv", ignore_errors=True)
    aside.rename(clone / ".venv")


def test_no_room_for_the_set_up(fresh: Path) -> None:
    done = run_limited(fresh, with_small_files(100_000), "lab", "--no-browser")
    plan, sentence = done.stderr.splitlines()
    assert done.returncode == 1 and plan.startswith("Setting up .venv")
    for part in (".venv could not be made", "the disk is full", "free about 1 GB", LOG):
        assert part in sentence, sentence
    assert set(os.listdir(fresh / ".venv")) <= {LOG, LOCK}


def test_no_room_for_the_servers_programs_or_data(clone: Path, home: Path) -> None:
    if os.geteuid() == 0:
        limit = with_small_files(COPIED_BY_ROOT)
        for verb in (["lab", "--no-browser"], ["doctor"]):
            done = run_limited(clone, limit, *verb)
            said = " ".join((done.stdout + done.stderr).split())
            assert done.returncode == 1
            assert f"There is no room for {home}" in said and "Free about 1 GB" in said, said
        assert list((home / "programs").iterdir()) == []
    find_binaries({})  # So that root's copy is there, and the data come next.
    done = run_limited(clone, with_small_files(SMALLER_THAN_A_LOG_OF_WRITES), "lab", "--no-browser")
    check_sentence(done, "PostgreSQL's data cannot be made", "initdb failed", "Free about 1 GB")
    assert not list(home.glob("servers/18/server"))
    assert not list(home.glob("servers/18/passwords.json"))
    assert run(clone, "doctor").returncode == 0


def test_no_rights_in_the_clone(fresh: Path) -> None:
    fresh.chmod(0o555)
    try:
        done = run_limited(fresh, bound_by_permissions, "lab", "--no-browser")
        looked = run_limited(fresh, bound_by_permissions, "doctor")
    finally:
        fresh.chmod(0o755)
    check_sentence(done, "The set-up cannot write to", "Make the clone writable for you")
    assert not (fresh / ".venv").exists()
    assert looked.returncode == 1
    assert "cannot be written to (Permission denied)." in " ".join(looked.stdout.split())


@pytest.mark.parametrize("closed", [".", "notebooks"])
def test_no_rights_in_a_clone_that_is_set_up(clone: Path, home: Path, closed: str) -> None:
    folder = clone / closed
    folder.chmod(0o555)
    try:
        done = run_limited(clone, bound_by_permissions, "lab", "--no-browser")
        looked = run_limited(clone, bound_by_permissions, "doctor")
    finally:
        folder.chmod(0o755)
    check_sentence(
        done, f"{folder} cannot be written to (Permission denied).", "Make the clone writable"
    )
    assert done.stdout == ""  # Nothing was started.
    assert looked.returncode == 1
    assert "not ok  Clone" in looked.stdout


def test_no_rights_in_the_folder_of_the_state(clone: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    for folder in (closed, closed / "below"):
        done = run_limited(clone, bound_by_permissions, "lab", "--no-browser", LAB_HOME=str(folder))
        check_sentence(done, str(closed), "Permission denied", "LAB_HOME")
    assert list(closed.iterdir()) == []


def test_a_full_disk_is_called_so_and_anything_else_not() -> None:
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        said = str(cannot_write("the place", OSError(code, os.strerror(code)), "Do that."))
        assert said.startswith("There is no room for the place") and "Do that" not in said
    refused = PermissionError(errno.EACCES, "Permission denied", "/a/file")
    assert str(cannot_write("the place", refused, "Do that.")) == (
        "the place cannot be written (Permission denied: /a/file). Do that."
    )


def test_a_command_without_room_says_so_itself(capsys: pytest.CaptureFixture[str]) -> None:
    def full() -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    assert guarded(full) == 1
    assert capsys.readouterr().err.startswith("There is no room for a file of the lab")


def test_a_server_without_room_is_said_to_be_that() -> None:
    server = Server("db", 5432, "lab", "secret", "postgres", "DB_HOST")
    said = str(explain_refusal(asyncpg.DiskFullError("could not extend file"), server))
    assert "could not extend file" in said and "Free about 1 GB" in said
