"""What PgBouncer is started with, and how it is found; the program itself is not needed here."""

from __future__ import annotations

import configparser
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from labsupport.errors import LabError
from labsupport.postgres import Server, find_pgbouncer, pgbouncer
from labsupport.postgres.pgbouncer_files import settings_text, users_text

SERVER = Server(
    host="127.0.0.1", port=5433, user="lab", password="secret", database="lab", where="own"
)
FOLDER = Path("folder of its own")
# By its full name: in the package, the function of the same name stands before it.
MODULE = sys.modules["labsupport.postgres.pgbouncer"]


def read(text: str) -> configparser.ConfigParser:
    """The settings as a reader of such files sees them."""
    settings = configparser.ConfigParser(interpolation=None, delimiters="=")
    settings.read_string(text)
    return settings


def test_the_settings_name_the_server_and_listen_on_loopback_only() -> None:
    settings = read(settings_text(SERVER, FOLDER, 6543, {"pool_mode": "transaction"}))
    assert settings["databases"]["*"] == "host='127.0.0.1' port=5433"
    ours = settings["pgbouncer"]
    assert (ours["listen_addr"], ours["listen_port"]) == ("127.0.0.1", "6543")
    assert ours["unix_socket_dir"] == ""
    assert ours["auth_type"] == "scram-sha-256"
    assert ours["auth_file"] == str(FOLDER / "userlist.txt")
    assert ours["pool_mode"] == "transaction"
    assert "server_tls_ca_file" not in ours


def test_the_settings_hold_no_password() -> None:
    assert SERVER.password not in settings_text(SERVER, FOLDER, 6543, {})


def test_a_setting_that_is_given_wins() -> None:
    settings = read(settings_text(SERVER, FOLDER, 6543, {"query_wait_timeout": "5"}))
    assert settings["pgbouncer"]["query_wait_timeout"] == "5"


def test_tls_to_the_server_is_asked_for_as_the_lab_asks_for_it() -> None:
    server = replace(SERVER, ssl_mode="verify-full", ssl_ca="authority.crt")
    ours = read(settings_text(server, FOLDER, 6543, {}))["pgbouncer"]
    assert ours["server_tls_sslmode"] == "verify-full"
    assert ours["server_tls_ca_file"] == "authority.crt"


def test_a_quote_in_a_host_stays_inside_its_value() -> None:
    text = settings_text(replace(SERVER, host="o'hara port=1"), FOLDER, 6543, {})
    assert "* = host='o''hara port=1' port=5433" in text


@pytest.mark.parametrize("end", ["\n", "\r", "\u2028"])
def test_a_setting_with_a_line_break_is_refused(end: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        settings_text(SERVER, FOLDER, 6543, {"pool_mode": f"session{end}admin_users = lab"})


@pytest.mark.parametrize(
    ("password", "field"),
    [
        ("plain", '"plain"'),
        ('say "hello"', '"say ""hello"""'),
        ('"', '""""'),
        ("back\\slash, it's; # = all", '"back\\slash, it\'s; # = all"'),
        ("é 中", '"é 中"'),
    ],
)
def test_passwords_stand_between_quotes_with_those_inside_doubled(
    password: str, field: str
) -> None:
    text = users_text(replace(SERVER, user='a "pupil"', password=password))
    assert text == f'"a ""pupil""" {field}\n'


@pytest.mark.parametrize("password", ["", "zero\0byte"])
def test_what_the_list_of_users_cannot_hold_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="neither empty nor with a zero byte"):
        users_text(replace(SERVER, password=password))


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without PgBouncer, whose PATH has one folder."""
    for name in ("LAB_PGBOUNCER", "LAB_NEEDS_PGBOUNCER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(MODULE, "USUAL_PLACES", (str(tmp_path / "sbin" / "pgbouncer"),))
    return tmp_path


def program_in(folder: Path) -> Path:
    """A file that may be run, where PgBouncer would be."""
    folder.mkdir(exist_ok=True)
    program = folder / ("pgbouncer.exe" if sys.platform == "win32" else "pgbouncer")
    program.write_text("#!/bin/sh\necho this is something else\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def test_without_a_program_nothing_is_found(nowhere: Path) -> None:
    assert find_pgbouncer({}) is None


async def test_starting_without_a_program_says_how_to_get_it(nowhere: Path) -> None:
    with pytest.raises(LabError, match="apt-get install pgbouncer"):
        async with pgbouncer(SERVER):
            pass


def test_without_a_program_that_is_needed_it_is_an_error(nowhere: Path) -> None:
    with pytest.raises(LabError, match="no PgBouncer on this machine.*LAB_NEEDS_PGBOUNCER is 1"):
        find_pgbouncer({"LAB_NEEDS_PGBOUNCER": "1"})


def test_the_program_is_found_in_the_path(nowhere: Path) -> None:
    program = program_in(nowhere)
    assert find_pgbouncer({"LAB_NEEDS_PGBOUNCER": "1"}) == program


def test_the_program_is_found_beside_the_path(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = program_in(nowhere / "sbin")
    monkeypatch.setattr(MODULE, "USUAL_PLACES", (str(program),))
    assert find_pgbouncer({}) == program


def test_the_program_that_is_named_wins(nowhere: Path) -> None:
    program_in(nowhere)
    named = program_in(nowhere / "elsewhere")
    assert find_pgbouncer({"LAB_PGBOUNCER": str(named)}) == named


def test_a_program_that_is_named_and_not_there_is_an_error(nowhere: Path) -> None:
    program_in(nowhere)
    with pytest.raises(LabError, match="LAB_PGBOUNCER is 'no/such/file'.*remove LAB_PGBOUNCER"):
        find_pgbouncer({"LAB_PGBOUNCER": "no/such/file"})


async def test_a_program_that_is_no_pgbouncer_is_named(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Any program that does not call itself PgBouncer.
    monkeypatch.setenv("LAB_PGBOUNCER", sys.executable)
    with pytest.raises(LabError, match="is no PgBouncer"):
        async with pgbouncer(SERVER):
            pass
