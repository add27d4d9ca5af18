"""One table of cases for `DB_*`: which server is meant, and what is said of a wrong setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from labsupport.errors import LabError
from labsupport.postgres import chosen_server, read_settings

SPECIAL = "p@ss/w#o?r%d:[a] &='\"\\ ä$HOME"


def settings_of(tmp_path: Path, environ: dict[str, str], dotenv: str = "") -> dict[str, str]:
    file = tmp_path / ".env"
    file.write_text(dotenv, encoding="utf-8")
    return read_settings(environ, file)


@pytest.mark.parametrize(
    ("environ", "dotenv"),
    [
        ({}, ""),
        ({"DB_HOST": ""}, ""),
        ({"DB_HOST": "  "}, ""),
        ({"DB_PORT": "5432", "DB_USER": "someone"}, ""),
        ({"PGHOST": "db.example", "HOST": "db.example"}, ""),
        ({}, "# DB_HOST=db.example\n"),
        ({"DB_HOST": ""}, "DB_HOST=db.example\n"),
    ],
)
def test_without_a_host_the_embedded_server_is_meant(
    tmp_path: Path, environ: dict[str, str], dotenv: str
) -> None:
    assert chosen_server(settings_of(tmp_path, environ, dotenv)) is None


@pytest.mark.parametrize(
    ("environ", "dotenv", "address", "user"),
    [
        ({"DB_HOST": "db.example"}, "", "db.example:5432", "postgres"),
        ({}, "DB_HOST=db.example\nDB_PORT=6000\n", "db.example:6000", "postgres"),
        ({"DB_PORT": "7000"}, "DB_HOST=db.example\nDB_PORT=6000\n", "db.example:7000", "postgres"),
        ({"DB_HOST": "a"}, "DB_HOST=b\nDB_USER=reader\n", "a:5432", "reader"),
        ({"DB_HOST": "a", "USER": "login"}, "", "a:5432", "postgres"),
    ],
)
def test_the_environment_wins_over_the_file(
    tmp_path: Path, environ: dict[str, str], dotenv: str, address: str, user: str
) -> None:
    server = chosen_server(settings_of(tmp_path, environ, dotenv))
    assert server is not None
    assert (server.address, server.user, server.where) == (address, user, "DB_HOST")


@pytest.mark.parametrize("port", ["", " ", "abc", "0", "-1", "99999", "5432.0", "５４３２"])
def test_a_wrong_port_is_named_in_a_sentence(tmp_path: Path, port: str) -> None:
    settings = settings_of(tmp_path, {"DB_HOST": "db.example", "DB_PORT": port})
    with pytest.raises(LabError, match="DB_PORT is .* Write a whole number"):
        chosen_server(settings)


def test_a_wrong_tls_mode_is_named_in_a_sentence(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"DB_HOST": "db.example", "DB_SSL_MODE": "on"})
    with pytest.raises(LabError, match="DB_SSL_MODE is 'on'. Write one of: disable"):
        chosen_server(settings)


def test_a_missing_certificate_is_named_in_a_sentence(tmp_path: Path) -> None:
    environ = {"DB_HOST": "a", "DB_SSL_MODE": "verify-full", "DB_SSL_CA": "/no/such/file.pem"}
    server = chosen_server(settings_of(tmp_path, environ))
    assert server is not None
    with pytest.raises(LabError, match="DB_SSL_CA is '/no/such/file.pem'"):
        server.arguments()


def test_any_password_arrives_unchanged(tmp_path: Path) -> None:
    by_environment = chosen_server(settings_of(tmp_path, {"DB_HOST": "a", "DB_PASSWORD": SPECIAL}))
    quoted = SPECIAL.replace("\\", "\\\\").replace("'", "\\'")
    by_file = chosen_server(settings_of(tmp_path, {"DB_HOST": "a"}, f"DB_PASSWORD='{quoted}'\n"))
    assert by_environment is not None and by_file is not None
    assert by_environment.arguments()["password"] == SPECIAL
    assert by_file.arguments()["password"] == SPECIAL


def test_a_file_that_is_no_text_is_named_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"DB_HOST=\xff\xfe\n")
    with pytest.raises(LabError, match="cannot be read"):
        read_settings({}, file)


def test_no_password_is_ever_printed(tmp_path: Path) -> None:
    server = chosen_server(settings_of(tmp_path, {"DB_HOST": "a", "DB_PASSWORD": "hunter2"}))
    assert server is not None
    for shown in (repr(server), str(server), repr(server.arguments()), f"{server.arguments()}"):
        assert "hunter2" not in shown
