"""The embedded server, in a terminal and in a notebook: wrong settings, and interruptions."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from labsupport.postgres import connect, embedded_status, ensure_embedded, stop_embedded
from labsupport.postgres.databases import MINE
from tests.bad_input.notebook import Notebook
from tests.commands.running import run

NO_PROGRAMS = "a folder with files that are no programs"
A_FILE = "a file, where a folder should be"
OPEN = "import asyncpg\npool = await asyncpg.create_pool(min_size=1, max_size=2, **lab.arguments)"
ASK = "print(await pool.fetchval('SELECT 41 + 1'))"
CLOSE = "await pool.close()"
FINISH = "from labsupport.lessons import finish\nawait finish(lab)"


@pytest.mark.parametrize(
    ("name", "value", "wrong", "mend"),
    [
        ("LAB_PG_VERSION", "17", "LAB_PG_VERSION is '17'", "18 and 16; for any other, set LAB_PG_"),
        ("LAB_PG_BIN", "no-such-folder", "holds no initdb and no pg_ctl", "or remove LAB_PG_BIN"),
        ("LAB_PG_BIN", NO_PROGRAMS, "does not say its version", "or remove LAB_PG_BIN"),
        ("LAB_IDLE_SECONDS", "soon", "LAB_IDLE_SECONDS is 'soon'", "such as 3600"),
        ("LAB_HOME", A_FILE, "cannot be written", "Set LAB_HOME to a folder"),
    ],
)
def test_a_wrong_setting(
    name: str, value: str, wrong: str, mend: str,
    clone: Path, home: Path, notebook: Notebook, tmp_path: Path,
) -> None:  # fmt: skip
    if value == NO_PROGRAMS:
        value = str(tmp_path)
        for program in ("initdb", "pg_ctl", "postgres"):
            (tmp_path / (f"{program}.exe" if os.name == "nt" else program)).touch()
    if value == A_FILE:
        value = str(tmp_path / "file" / "home")
        (tmp_path / "file").touch()
    done = run(clone, "lab", "--no-browser", **{name: value})
    looked = run(clone, "doctor", **{name: value})
    shown = notebook.begin(**{"LAB_HOME": str(home), "LAB_IDLE_SECONDS": "", name: value})
    assert done.returncode == looked.returncode == 1
    assert len(done.stderr.splitlines()) == len(shown.error) == 1, (done.stderr, shown.error)
    for said in (done.stderr, " ".join(looked.stdout.split()), shown.error[0]):
        assert wrong in said and mend in said, said
    assert not (home / "servers").exists()


def test_a_relative_home_is_meant_from_the_clone(
    clone: Path, home: Path, notebook: Notebook
) -> None:
    # The terminal stands in the clone and the kernel in notebooks/; both mean the same folder.
    relative = os.path.relpath(home, clone)
    for folder in (clone, *clone.parents[:3]):
        folder.chmod(0o755)
    shown = notebook.begin(LAB_HOME=relative, LAB_IDLE_SECONDS="")
    assert "Lesson 01 is ready." in shown.printed, shown.error
    assert len(embedded_status()) == 1
    assert "Stopped PostgreSQL 18" in run(clone, "stop", LAB_HOME=relative).stdout
    assert embedded_status() == []


def kernel_databases() -> list[str]:
    """Return the names of the databases of kernels that the embedded server has now."""

    async def ask() -> list[str]:
        async with connect(ensure_embedded(settings={})) as connection:
            return [row[0] for row in await connection.fetch(MINE) if "_kernel_" in row[0]]

    return asyncio.run(ask())


def test_a_server_that_ends_between_two_cells(home: Path, notebook: Notebook) -> None:
    assert "Lesson 01 is ready." in notebook.begin().printed
    assert notebook.run(f"{OPEN}\n{ASK}").printed == "42\n"
    assert len(stop_embedded().stopped) == 1
    # Whether asyncpg finds its connection closed or a new one refused, the cell says what to do.
    asked = notebook.run(ASK)
    assert "is not running any more" in asked.error[-1], asked.error
    assert "Run the first cell of this notebook again" in asked.error[-1]
    finished = notebook.run(FINISH)
    assert len(finished.error) == 1
    assert "No PostgreSQL listens" in finished.error[0]
    assert "Run the notebook's first cell again" in finished.error[0]
    again = notebook.begin()
    assert again.error == [] and "Starting PostgreSQL 18" in again.printed
    assert notebook.run(f"pool.terminate()\n{OPEN}\n{ASK}\n{CLOSE}").printed == "42\n"
    assert notebook.run(FINISH).error == []


def test_a_kernel_that_is_restarted_leaves_no_database(home: Path, notebook: Notebook) -> None:
    assert notebook.begin().error == []
    (first,) = kernel_databases()
    assert notebook.begin().error == []
    assert kernel_databases() == [first]
    notebook.restart()
    assert "Lesson 01 is ready." in notebook.begin().printed
    (second,) = kernel_databases()
    assert second != first
    assert notebook.run(FINISH).error == []
    assert kernel_databases() == []


def test_a_folder_where_the_guesses_should_be(clone: Path, notebook: Notebook) -> None:
    guesses = clone / "my_work" / "predictions.json"
    (guesses / "something").mkdir(parents=True)
    shown = notebook.run("from labsupport.lessons import predict\npredict('01.1', 3)")
    assert shown.error == []
    assert "predictions-unreadable.json" in shown.printed
    assert '"01.1": 3' in guesses.read_text(encoding="utf-8")
    assert (guesses.with_name("predictions-unreadable.json") / "something").is_dir()
