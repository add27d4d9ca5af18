"""The container's files agree with the lab: the compose file, `.env.example`, the init script."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values

from labsupport.postgres import chosen_server, connect, ensure_template, own_server, read_settings
from labsupport.postgres.binaries import find_binaries
from labsupport.postgres.databases import _fingerprint
from labsupport.postgres.roles import superuser_arguments
from tests.test_style import ROOT, our_files

COMPOSE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"
SCRIPT = ROOT / "data" / "container" / "make_lab.sh"
DEFAULT = re.compile(r"\$\{(\w+):-([^}]*)\}")


def compose() -> dict[str, Any]:
    """The compose file as it is written, before variables are put in."""
    return dict(yaml.safe_load(COMPOSE.read_text(encoding="utf-8")))


def service() -> dict[str, Any]:
    """The service that runs PostgreSQL."""
    return dict(compose()["services"]["postgres"])


def defaults() -> dict[str, str]:
    """The variables of the compose file that have a default, with it."""
    return dict(DEFAULT.findall(COMPOSE.read_text(encoding="utf-8")))


def test_every_published_port_is_on_loopback_and_not_the_usual_one() -> None:
    services = compose()["services"].values()
    ports = [port for one in services for port in one.get("ports", [])]
    assert ports
    for port in ports:
        host, published, _ = DEFAULT.sub(r"\2", port).split(":")
        assert host == "127.0.0.1"
        assert published != "5432"


def test_health_is_asked_for_by_tcp() -> None:
    health = service()["healthcheck"]
    assert not health.get("disable")
    test = health["test"]
    assert test[:2] == ["CMD", "pg_isready"]
    assert test[test.index("-h") + 1] == "127.0.0.1"


def test_the_data_is_kept_in_a_named_volume_and_the_clone_is_only_read() -> None:
    mounts = [mount.split(":") for mount in service()["volumes"]]
    named = [mount for mount in mounts if mount[0] in compose()["volumes"]]
    assert len(named) == 1
    assert service()["environment"]["PGDATA"].startswith(named[0][1])
    assert all(mount[2:] == ["ro"] for mount in mounts if mount not in named)
    assert [f"./{folder}" for folder in ("data", "data/container")] == [
        mount[0] for mount in mounts if mount not in named
    ]


def test_a_password_is_asked_for_in_a_sentence() -> None:
    assert "${DB_PASSWORD:?Write " in service()["environment"]["DB_PASSWORD"]
    assert "version" not in compose()


def test_the_version_is_named_once() -> None:
    version = defaults()["LAB_PG_IMAGE_VERSION"]
    named = re.compile(rf"postgres(ql)?[:-]{version}\b|LAB_PG_IMAGE_VERSION(:-|\s*=\s*){version}\b")
    places = [COMPOSE, *our_files()]
    said = {path for path in places if named.search(path.read_text(encoding="utf-8"))}
    assert version.isdigit()
    assert said <= {COMPOSE}
    assert service()["image"] == f"postgres:${{LAB_PG_IMAGE_VERSION:-{version}}}"


def test_pgbouncer_comes_only_when_it_is_asked_for_and_after_the_server_is_there() -> None:
    services = compose()["services"]
    bouncer = services["pgbouncer"]
    assert bouncer["profiles"] == ["pgbouncer"]
    assert "profiles" not in services["postgres"]
    assert bouncer["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert re.fullmatch(r"[\w/]+:\$\{LAB_PGBOUNCER_IMAGE_VERSION:-v[\d.]+-p\d\}", bouncer["image"])


def test_pgbouncer_logs_in_as_the_labs_role_in_transaction_mode() -> None:
    server, bouncer = (compose()["services"][name] for name in ("postgres", "pgbouncer"))
    says = bouncer["environment"]
    assert says["DB_HOST"] == "postgres"
    for name in ("DB_USER", "DB_PASSWORD"):
        assert says[name] == server["environment"][name]
    assert (says["POOL_MODE"], says["AUTH_TYPE"]) == ("transaction", "scram-sha-256")


def test_no_two_services_publish_the_same_port() -> None:
    services = compose()["services"].values()
    ports = [DEFAULT.sub(r"\2", port).split(":")[1] for one in services for port in one["ports"]]
    assert len(set(ports)) == len(ports) == len(services)


def test_files_of_the_container_have_the_line_ends_of_linux() -> None:
    for path in (COMPOSE, EXAMPLE, SCRIPT):
        assert b"\r" not in path.read_bytes()


class Asked(dict[str, str]):
    """Settings that remember which of them were asked for."""

    def __init__(self, settings: dict[str, str]) -> None:
        super().__init__(settings)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        """Return a setting, and note that it was asked for."""
        self.names.add(name)
        return super().get(name, default)


def test_the_example_names_the_container() -> None:
    settings = Asked(read_settings({}, EXAMPLE))
    server = chosen_server(settings)
    assert server is not None
    assert (server.host, str(server.port)) == ("127.0.0.1", defaults()["DB_PORT"])
    assert (server.user, server.database) == (defaults()["DB_USER"], defaults()["DB_NAME"])
    assert server.password
    assert set(dotenv_values(EXAMPLE)) <= settings.names
    used = set(re.findall(r"\$\{(DB_\w+)", COMPOSE.read_text(encoding="utf-8")))
    assert used <= set(dotenv_values(EXAMPLE))


# The script runs in a container, and what runs in a container is Linux.
if sys.platform == "linux":

    def bash(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one line of bash after the script was read."""
        return subprocess.run(
            ["bash", "-c", f'set -e; . "{SCRIPT}"; {line}'],
            env={**os.environ, "LAB_DATA": str(ROOT / "data"), **environment},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    def test_the_script_names_the_template_as_python_does() -> None:
        for role in ("lab", "a pupil of Zoë's"):
            done = bash(f'lab_fingerprint "{role}"', LAB_FUNCTIONS_ONLY="yes")
            assert done.stdout.strip() == _fingerprint(role), done.stderr

    async def test_the_script_makes_what_the_lab_would_make() -> None:
        role, password = 'a "pupil"', 'it\'s $1 \\ "quoted" `id` %s é'
        async with own_server() as own:
            superuser = superuser_arguments(own.cluster, own.server.port)
            done = bash(
                "",
                PATH=f"{find_binaries({}).folder}{os.pathsep}{os.environ['PATH']}",
                PGHOST="127.0.0.1",
                PGPORT=str(own.server.port),
                PGPASSWORD=superuser["password"],
                PGDATA="/nonexistent",
                POSTGRES_USER="postgres",
                POSTGRES_DB="postgres",
                DB_USER=role,
                DB_PASSWORD=password,
            )
            assert done.returncode == 0, done.stderr
            assert password not in done.stdout + done.stderr
            pupil = replace(own.server, user=role, password=password, database="postgres")
            loaded: list[str] = []
            template = await ensure_template(pupil, loaded.append)
            assert loaded == []
            async with connect(pupil) as connection:
                made = await connection.fetchrow(FACTS, template)
                await connection.execute(f"CREATE DATABASE mine TEMPLATE {template}")
            assert tuple(made) == (role, False, "Sample data of the Connection Pooling Lab.", False)
            async with connect(pupil, "mine") as connection:
                owners = await connection.fetch("SELECT DISTINCT tableowner FROM pg_tables " + OURS)
                assert [row["tableowner"] for row in owners] == [role]
                assert await connection.fetchval("SELECT count(*) FROM orders") == 20_000
                next_user = "INSERT INTO users (name, email) VALUES ('a', 'b') RETURNING id"
                assert await connection.fetchval(next_user) == 10_001
                analyzed = "SELECT reltuples FROM pg_class WHERE relname = 'users'"
                assert await connection.fetchval(analyzed) == 10_000

    FACTS = """
        SELECT pg_get_userbyid(datdba), datallowconn, shobj_description(d.oid, 'pg_database'),
               (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
        FROM pg_database d WHERE datname = $1
    """
    OURS = "WHERE schemaname = 'public'"

    def give_up(tmp_path: Path, **environment: str) -> str:
        """Run the script where it must fail; return what it said, after a look at PGDATA."""
        data, programs = tmp_path / "server", tmp_path / "programs"
        for folder in (data, programs):
            folder.mkdir()
        (data / "PG_VERSION").write_text("half", encoding="utf-8")
        for name in ("psql", "pg_ctl"):
            (programs / name).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
            (programs / name).chmod(0o755)
        done = bash(
            "",
            **{
                "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
                "PGDATA": str(data),
                "POSTGRES_USER": "postgres",
                "POSTGRES_DB": "postgres",
                "DB_USER": "lab",
                "DB_PASSWORD": "secret",
                **environment,
            },
        )
        assert done.returncode == 1
        assert list(data.iterdir()) == []
        assert "secret" not in done.stderr
        return done.stderr

    def test_what_was_set_up_by_half_is_removed(tmp_path: Path) -> None:
        assert "could not be set up: the lines above" in give_up(tmp_path)

    def test_the_superuser_is_not_the_labs_role(tmp_path: Path) -> None:
        assert "write another DB_USER" in give_up(tmp_path, DB_USER="postgres")

    def test_data_that_cannot_be_read_is_named(tmp_path: Path) -> None:
        said = give_up(tmp_path, LAB_DATA=str(tmp_path / "nothing"))
        assert "make the folder data/ of the clone readable" in said
