"""`test --container` checks what it runs on, takes it down always, and fails in a sentence."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from labsupport.commands import compose, container
from labsupport.commands.container import major_of, run_on_container
from labsupport.commands.run_tests import Part
from labsupport.errors import LabError
from labsupport.postgres import ensure_template, own_server
from tests.commands.running import run
from tests.homes import temporary_home

ADDRESS = "127.0.0.1:50000"


class Docker:
    """Stand in for docker: answers each command well, unless it is named in `fails`."""

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.environments: list[Mapping[str, str]] = []
        self.fails: dict[str, BaseException | str] = {}

    def __call__(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        limit: float = 0,
    ) -> subprocess.CompletedProcess[str]:
        """Note the command and answer it."""
        in_project = "--project-name" in arguments
        name = arguments[3] if in_project else " ".join(arguments[:2])
        self.commands.append(" ".join(arguments))
        self.environments.append(environment or {})
        failure = self.fails.get(name)
        if isinstance(failure, BaseException):
            raise failure
        if failure is not None:
            return subprocess.CompletedProcess(arguments, 1, "", f"first\n{failure}\n")
        said = {"config": "postgres:16\n", "port": f"{ADDRESS}\n", "logs": "a\nthe cause\n"}
        return subprocess.CompletedProcess(arguments, 0, said.get(name, ""), "")

    def names(self) -> list[str]:
        """The verbs of `docker compose` that were used on the project, in order."""
        lines = [line.split() for line in self.commands]
        return [line[3] for line in lines if line[1] == "--project-name"]


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Docker:
    """A docker that runs nothing, a server that passes, notebooks that pass on it."""
    stand_in = Docker()

    async def check(server: Any, major: int) -> None:
        assert (server.address, major) == (ADDRESS, 16)

    opened = itertools.count(step=100)

    async def sessions(server: Any) -> int:
        return next(opened)

    monkeypatch.setattr(compose, "_docker", stand_in)
    monkeypatch.setattr(compose.shutil, "which", lambda name: name)
    monkeypatch.setattr(container, "_check", check)
    monkeypatch.setattr(container, "count_sessions", sessions)
    monkeypatch.setattr(container, "run_part", lambda part, settings: 0)
    return stand_in


@pytest.fixture(scope="module", autouse=True)
def home() -> Iterator[Path]:
    """Servers of this home are looked at, not a developer's."""
    with temporary_home() as folder:
        yield folder


def test_it_is_brought_up_and_taken_down_with_its_volume(
    docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_on_container() == 0
    assert docker.names() == ["config", "up", "port", "down"]
    assert "--volumes --remove-orphans" in docker.commands[-1]
    password = docker.environments[-1]["DB_PASSWORD"]
    assert len(password) >= 20
    assert password not in " ".join(docker.commands)
    assert password not in "".join(capsys.readouterr())


def test_no_two_runs_meet_and_none_meets_a_learners(docker: Docker) -> None:
    run_on_container()
    run_on_container()
    projects = {line.split()[2] for line in docker.commands if "--project-name" in line}
    assert len(projects) == 2
    assert "connection-pooling-lab" not in projects
    assert {one["DB_PORT"] for one in docker.environments if one} == {"0"}


def test_both_parts_get_every_setting_of_the_server(
    docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Part, Mapping[str, str]]] = []
    monkeypatch.setenv("DB_SSL_MODE", "verify-full")
    monkeypatch.setenv("DB_HOST", "db.example")

    def note(part: Part, settings: Mapping[str, str]) -> int:
        seen.append((part, settings))
        return 0

    monkeypatch.setattr(container, "run_part", note)
    assert run_on_container() == 0
    assert [part.name for part, _ in seen] == ["notebooks", "pooling"]
    for _, settings in seen:
        assert f"{settings['DB_HOST']}:{settings['DB_PORT']}" == ADDRESS
        assert settings["DB_SSL_MODE"] == "disable"
        assert settings["DB_PASSWORD"] == docker.environments[-1]["DB_PASSWORD"]
    assert seen[1][1]["LAB_TEST_SERVER"] == "named"
    # Each notebook is watched, not only all of them together.
    assert "-p tests.reached_server" in " ".join(seen[0][0].arguments)


@pytest.mark.parametrize("failing", ["notebooks", "pooling"])
def test_a_failed_part_is_a_failure_and_both_run(
    docker: Docker, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    ran: list[str] = []

    def fail(part: Part, settings: Mapping[str, str]) -> int:
        ran.append(part.name)
        return 5 if part.name == failing else 0

    monkeypatch.setattr(container, "run_part", fail)
    assert run_on_container() == 1
    assert ran == ["notebooks", "pooling"]
    assert docker.names()[-1] == "down"


def test_notebooks_that_ran_elsewhere_are_a_failure(
    docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(server: Any) -> int:
        return 0

    monkeypatch.setattr(container, "count_sessions", none)
    with pytest.raises(LabError, match="it ran on another server"):
        run_on_container()
    assert docker.names()[-1] == "down"


def test_ctrl_c_takes_it_down(docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(part: Part, settings: Mapping[str, str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(container, "run_part", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_on_container()
    assert docker.names()[-1] == "down"


def test_ctrl_c_while_it_starts_takes_it_down(docker: Docker) -> None:
    docker.fails["up"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        run_on_container()
    assert docker.names() == ["config", "up", "down"]


@pytest.mark.parametrize(
    ("failing", "sentence", "last"),
    [
        ("compose version", "Install docker-compose-plugin", None),
        ("version --format", r"No container engine answers \(the reason\)", None),
        ("config", r"docker-compose.yml cannot be used \(the reason\)", "config"),
        ("up", r"healthy \(the reason\). Its log ends with: the cause", "down"),
        ("port", "no published port", "down"),
        ("down", "Remove it with: docker compose --project-name connection-", "down"),
    ],
)
def test_what_fails_is_a_sentence(
    docker: Docker, failing: str, sentence: str, last: str | None
) -> None:
    docker.fails[failing] = "the reason."
    with pytest.raises(LabError, match=sentence) as refused:
        run_on_container()
    assert "\n" not in str(refused.value)
    assert docker.names()[-1:] == ([last] if last else [])


def test_an_image_that_is_not_to_be_had_is_named(docker: Docker) -> None:
    docker.fails = {"image inspect": "none", "pull": "no route."}
    with pytest.raises(LabError, match=r"postgres:16 .* cannot be pulled \(no route\)"):
        run_on_container()
    assert "up" not in docker.names()


@pytest.mark.parametrize(
    ("image", "major"),
    [("postgres:16", 16), ("postgres:16.4-alpine", 16), ("registry:5000/a/postgres:18", 18)],
)
def test_the_major_version_is_that_of_the_tag(image: str, major: int) -> None:
    assert major_of(image) == major


@pytest.mark.parametrize("image", ["postgres", "postgres:latest", "registry:5000/postgres"])
def test_a_tag_without_a_number_is_refused(image: str) -> None:
    with pytest.raises(LabError, match="names no major version"):
        major_of(image)


async def test_the_server_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with own_server() as own:
        major = int(own.cluster.binaries.major)
        with pytest.raises(LabError, match="is PostgreSQL"):
            await container._check(own.server, major + 1)
        with pytest.raises(LabError, match="is not the one in the container"):
            await container._check(own.server, major)
        monkeypatch.setattr(container, "INSIDE", "SELECT 5432")
        with pytest.raises(LabError, match="did not load the template"):
            await container._check(own.server, major)
        await ensure_template(own.server)
        await container._check(own.server, major)
        # Only sessions of notebooks count.
        monkeypatch.setattr(container, "NOTEBOOKS", "template1")
        assert await container.count_sessions(own.server) == 0


def test_without_docker_it_says_so(clone: Path, tmp_path: Path) -> None:
    done = run(clone, "test", "--container", PATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "no `docker` on this machine" in done.stderr


# A program on the path that is no program for Windows.
if sys.platform != "win32":

    def test_a_docker_that_does_not_answer_is_ended(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = tmp_path / "docker"
        program.write_text("#!/bin/sh\nexec sleep 60\n", encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        start = time.monotonic()
        done = compose._docker("version", limit=0.3)
        assert done.returncode == 1
        assert "no answer within" in done.stderr
        assert time.monotonic() - start < 30

    def test_an_engine_that_is_not_there_is_a_sentence(clone: Path, tmp_path: Path) -> None:
        program = tmp_path / "docker"
        lines = ["#!/bin/sh", '[ "$1" = compose ] || { echo "No daemon." >&2; exit 1; }']
        program.write_text("\n".join(lines), encoding="utf-8")
        program.chmod(0o755)
        done = run(clone, "test", "--container", PATH=str(tmp_path))
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "No container engine answers (No daemon)" in done.stderr
