"""An installation that has no network or is stopped half-way, and the next good start."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from labsupport.commands.bootstrap import LOG, UNFINISHED
from tests.bad_input.strangers import listening
from tests.commands.running import command, make_clone, run
from tests.homes import temporary_home, wait_until

OFFLINE = "http://127.0.0.1:1/simple"
ONE_PACKAGE = "borrowed-things==1.0\n"
FILES = 1000
"""So many small files take pip long enough to be met while it installs."""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A clone that has never been set up; its lock names one package, which brings all others."""
    clone = make_clone(tmp_path_factory.mktemp("stopped") / "other clone \u00fc")
    shutil.rmtree(clone / ".venv")
    for lock in ("requirements.txt", "requirements-dev.txt"):
        (clone / lock).write_text(ONE_PACKAGE, encoding="utf-8")
    with temporary_home(), pytest.MonkeyPatch.context() as environment:
        for name in ("PIP_FIND_LINKS", "PIP_NO_INDEX"):
            environment.delenv(name, raising=False)
        environment.setenv("PIP_RETRIES", "1")
        environment.setenv("PIP_INDEX_URL", OFFLINE)
        yield clone


def make_wheel(folder: Path, name: str, content: dict[str, str]) -> None:
    """Write version 1.0 of a package with these files into `folder`."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    files = {
        **content,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


@contextlib.contextmanager
def silent_index() -> Iterator[tuple[str, list[int]]]:
    """A package index that never answers, and the list of who has come."""
    came: list[int] = []

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(1)
        await reader.read()
        writer.close()

    with listening(say_nothing) as port:
        yield f"http://127.0.0.1:{port}/simple", came


def start(clone: Path, **environment: str) -> subprocess.Popen[str]:
    """Start `lab` in a session of its own."""
    return subprocess.Popen(
        command("lab", "--no-browser"),
        cwd=clone,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=os.name != "nt",
    )


def test_stopped_offline_interrupted_and_each_time_completed(bare: Path) -> None:
    check_killed_while_installing(bare)
    check_completed(bare)
    # From here on there is a .venv that works, and a newer lock asks for more.
    (bare / "requirements.txt").write_text(f"{ONE_PACKAGE}another-thing==1.0\n", encoding="utf-8")
    check_offline(bare)
    if sys.platform != "win32":
        check_interrupted_while_fetching(bare)
    make_wheel(bare / "wheels", "another_thing", {"another_thing.py": ""})
    check_completed(bare)


def check_killed_while_installing(bare: Path) -> None:
    """Kill everything at once, as when the power fails, while pip writes files."""
    borrowed = {"borrowed.pth": sysconfig.get_path("purelib")}
    many = {f"borrowed_things/{number}.txt": "" for number in range(FILES)}
    make_wheel(bare / "wheels", "borrowed_things", {**many, **borrowed})
    launcher = start(bare)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(bare / ".venv")}))
    wait_until((packages / "borrowed_things").exists, "pip installs", 60)
    family = [launcher.pid, *(child.pid for child in psutil.Process(launcher.pid).children(True))]
    for pid in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).kill()
    launcher.communicate(timeout=40)
    assert (bare / ".venv" / UNFINISHED).exists()
    assert not (packages / "borrowed.pth").exists()


def check_completed(bare: Path) -> None:
    """Start the lab well but for a port, which is read after the set-up and with its packages."""
    done = run(bare, "lab", "--no-browser", DB_HOST="127.0.0.1", DB_PORT="abc")
    lines = done.stderr.splitlines()
    assert lines[0].startswith("Setting up .venv"), done.stderr
    assert "The set-up is complete." in lines
    assert lines[-1].startswith("DB_PORT is 'abc'"), done.stderr
    assert not (bare / ".venv" / UNFINISHED).exists()
    assert run(bare, "stop").returncode == 0


def check_offline(bare: Path) -> None:
    """Without network it says so; what was installed is still good."""
    done = run(bare, "lab", "--no-browser")
    assert done.returncode == 1
    plan, *_, sentence = done.stderr.splitlines()
    assert plan.startswith("Setting up .venv")
    assert "the package index cannot be reached; check the network" in sentence
    assert "wheels/" in sentence and LOG in sentence
    assert run(bare, "stop").returncode == 0


def check_interrupted_while_fetching(bare: Path) -> None:
    """Press Ctrl-C while pip waits for an index that never answers."""
    with silent_index() as (address, came):
        launcher = start(bare, PIP_INDEX_URL=address)
        wait_until(lambda: bool(came), "pip asks the index", 60)
        os.killpg(launcher.pid, signal.SIGINT)
        said = launcher.communicate(timeout=40)[0]
    assert launcher.returncode == 130
    assert said.splitlines()[-1] == "The set-up was interrupted; the next start completes it."
    assert run(bare, "stop").returncode == 0
