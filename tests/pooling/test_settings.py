"""Settings: where they come from, what they refuse, and that a real server understands them."""

from __future__ import annotations

import asyncio
import copy
import inspect
import os
import pickle
import pprint
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from IPython.lib.pretty import pretty
from pydantic import ValidationError
from pydantic_settings import SettingsError

from labsupport.errors import LabError
from labsupport.pooling import DatabasePool
from labsupport.pooling.settings import DatabaseSettings
from labsupport.postgres import OwnServer, chosen_server, read_settings
from labsupport.postgres.binaries import find_binaries
from tests.held import as_superuser

SPECIAL = "p@ss/w#o?r%d:[a] &='\"\\ ä$HOME${HOME}"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No DB_* variable, and a working folder without a `.env`."""
    for name in os.environ:
        if name.upper().startswith("DB_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("environ", "dotenv"),
    [
        ({}, ""),
        ({"DB_HOST": ""}, ""),
        ({"DB_HOST": "  "}, ""),
        ({"DB_HOST": "", "DB_USER": "someone"}, "DB_HOST=db.example\nDB_PORT=6000\n"),
        ({"PGHOST": "db.example", "HOST": "db.example", "USER": "login", "NAME": "n"}, ""),
        ({"DB_HOST": "a", "USER": "login", "PORT": "1", "PASSWORD": "x", "DATABASE": "d"}, ""),
        ({}, "# DB_HOST=db.example\n"),
        ({"DB_HOST": "db.example"}, ""),
        ({"DB_HOST": " db.example "}, ""),
        ({}, "DB_HOST=db.example\nDB_PORT=6000\nDB_NAME=shop\n"),
        ({}, "export DB_HOST=db.example\nDB_USER='re ader' # a comment\nUNKNOWN=1\nDB_OTHER=2\n"),
        ({"DB_PORT": "7000"}, "DB_HOST=db.example\nDB_PORT=6000\n"),
        ({"DB_HOST": "a", "DB_NAME": "shop", "DB_DATABASE": "nobody reads this"}, ""),
        ({"DB_HOST": "a", "DB_PORT": " 6000 "}, ""),
        ({"DB_HOST": "a", "DB_PASSWORD": SPECIAL}, ""),
        ({"HOME": "/somewhere"}, 'DB_HOST=a\nDB_PASSWORD="x${HOME}y$HOME"\n'),
        ({}, "DB_HOST=a\nDB_PASSWORD=${DB_HOST}$x\n"),
        ({}, "DB_HOST=a\nDB_PASSWORD\n"),
        ({}, "\ufeffDB_HOST=db.example\nDB_PORT=6000\n"),
        ({}, "DB_HOST=a\r\nDB_USER=b\r\n\r\nDB_PASSWORD='x y'\r\n"),
        ({}, "DB_HOST=a\nDB_HOST=b\n"),
        ({"DB_HOST": "a", "DB_SSL_MODE": "verify-full", "DB_SSL_CA": "ca.pem"}, ""),
        ({"DB_HOST": "a", "DB_USER": " x "}, ""),
    ],
)
def test_variables_mean_the_same_as_to_the_launcher(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, environ: dict[str, str], dotenv: str
) -> None:
    file = tmp_path / ".env"
    file.write_text(dotenv, encoding="utf-8")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    ours = DatabaseSettings()
    server = chosen_server(read_settings(os.environ, file))
    if server is None:
        assert ours.host == "localhost"
        return
    assert ours.password.get_secret_value() == server.password
    for name in ("host", "port", "user", "database", "ssl_mode", "ssl_ca"):
        assert getattr(ours, name) == getattr(server, name)


@pytest.mark.parametrize(
    ("dotenv", "line"),
    [
        ("DB_HOST=a\nDB_PASSWORD=hunter2 is what I use: '\nthis is no setting\n", 3),
        ("DB_HOST=a\n\n\nDB_PASSWORD='hunter2\n", 4),
        ("\ufeffDB_HOST=a\nDB PASSWORD=hunter2\n", 2),
        ("DB_HOST=a\n=hunter2\n", 2),
    ],
)
def test_a_broken_file_is_refused_as_the_launcher_refuses_it(
    tmp_path: Path, dotenv: str, line: int
) -> None:
    file = tmp_path / ".env"
    file.write_text(dotenv, encoding="utf-8")
    with pytest.raises(SettingsError, match=f"^Line {line} of .* is no setting. Write") as ours:
        DatabaseSettings()
    with pytest.raises(LabError) as launchers:
        read_settings({}, file)
    assert isinstance(ours.value, ValueError)
    assert str(ours.value) == str(launchers.value)
    assert "hunter2" not in "".join(traceback.format_exception(ours.value))


@pytest.mark.parametrize("port", ["", " ", "abc", "0", "-1", "99999", "5432.0", "５４３２"])
def test_a_wrong_port_is_named_in_a_sentence(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("DB_PORT", port)
    with pytest.raises(ValidationError, match="DB_PORT is .* Write a whole number"):
        DatabaseSettings()


def test_every_field_has_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"port": "6000", "ssl_mode": "verify-full"}
    for name in DatabaseSettings.model_fields:
        variable = "DB_NAME" if name == "database" else f"DB_{name.upper()}"
        monkeypatch.setenv(variable, texts.get(name, "7"))
    assert DatabaseSettings().model_fields_set == set(DatabaseSettings.model_fields)


def test_variables_are_read_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_HOST", "first")
    assert DatabaseSettings().host == "first"
    monkeypatch.setenv("DB_HOST", "second")
    assert DatabaseSettings().host == "second"


def test_an_argument_wins_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = "DB_USER=file\nDB_NAME=file\nDB_HOST=file\n"
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    monkeypatch.setenv("DB_NAME", "environment")
    monkeypatch.setenv("DB_HOST", "environment")
    seen = DatabaseSettings(host="argument")
    assert (seen.host, seen.database, seen.user) == ("argument", "environment", "file")


def test_the_file_is_found_from_a_folder_below(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("DB_HOST=db.example\n", encoding="utf-8")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert DatabaseSettings().host == "db.example"
    assert DatabaseSettings(_env_file=None).host == "localhost"


def test_another_file_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "staging.env").write_text("DB_HOST=staging\n", encoding="utf-8")
    assert DatabaseSettings(_env_file=tmp_path / "staging.env").host == "staging"
    assert DatabaseSettings(_env_file="staging.env").host == "staging"


def test_a_file_that_is_no_text_is_named_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"DB_HOST=\xff\xfe\n")
    with pytest.raises(SettingsError, match="Save it as UTF-8 text"):
        DatabaseSettings()


@pytest.mark.parametrize(
    "make",
    [
        lambda: DatabaseSettings(password="hunter2"),
        lambda: DatabaseSettings(password="hunter2").get_pool_kwargs(),
        lambda: DatabaseSettings(password="hunter2").get_initialize_kwargs(),
        lambda: DatabaseSettings(password="hunter2").model_dump(),
    ],
)
def test_no_password_is_shown(make: Callable[[], object]) -> None:
    made = make()
    for shown in (repr(made), str(made), f"{made}"):
        assert "hunter2" not in shown
        assert "localhost" in shown


@pytest.mark.parametrize(
    "taken",
    [
        lambda arguments: arguments.copy(),
        lambda arguments: arguments | {"min_size": 1},
        copy.copy,
        copy.deepcopy,
        lambda arguments: pickle.loads(pickle.dumps(arguments)),
    ],
)
def test_no_password_is_shown_by_a_copy_of_the_arguments(taken: Callable[[Any], object]) -> None:
    settings = DatabaseSettings(password="hunter2")
    for arguments in (settings.get_pool_kwargs(), settings.get_initialize_kwargs()):
        copied: Any = taken(arguments)
        assert copied["password"] == "hunter2"
        assert "hunter2" not in repr(copied) + pprint.pformat(copied) + pretty(copied)
        assert "********" in repr(copied)


@pytest.mark.parametrize(
    "wrong",
    [
        {"pool_max_size": 2},
        {"port": "abc"},
        {"port": 5432, "unknown": 1},
        {"ssl_ca": "x"},
        {"command_timeout": "hunter2"},
        {"password": ["hunter2"]},
    ],
)
def test_no_password_is_shown_in_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        DatabaseSettings(**{"password": "hunter2", **wrong})
    assert_hidden(caught.value, next(reversed(wrong)))


@pytest.mark.parametrize("wrong", [("POOL_MIN_SIZE", "30"), ("SSL_MODE", "verify-ca")])
def test_no_password_of_the_environment_is_shown_in_an_error(
    monkeypatch: pytest.MonkeyPatch, wrong: tuple[str, str]
) -> None:
    name, value = wrong
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    monkeypatch.setenv(f"DB_{name}", value)
    for make in (DatabaseSettings, lambda: DatabaseSettings.model_validate({})):
        with pytest.raises(ValidationError) as caught:
            make()
        assert_hidden(caught.value, name.lower())


def assert_hidden(error: ValidationError, about: str) -> None:
    """Nothing that an error tells holds the password, and it still says what is wrong."""
    told = [str(error), repr(error), repr(error.errors()), error.json()]
    assert "hunter2" not in "".join(told)
    assert about in str(error).lower()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"pool_min_size": 30}, {"pool_max_size": 20}),
        ({"pool_max_size": 5}, {"pool_min_size": 10}),
        ({"pool_min_size": 21}, {}),
        ({"pool_max_size": 4}, {}),
    ],
)
def test_sizes_are_checked_whatever_their_order(
    monkeypatch: pytest.MonkeyPatch, first: dict[str, int], second: dict[str, int]
) -> None:
    for given_ in ({**first, **second}, {**second, **first}):
        with pytest.raises(ValidationError, match="Set both"):
            DatabaseSettings(**given_)
    for name, value in {**first, **second}.items():
        monkeypatch.setenv(f"DB_{name.upper()}", str(value))
    with pytest.raises(ValidationError, match="Set both"):
        DatabaseSettings()


@given(least=st.integers(-5, 60), most=st.integers(-5, 60))
def test_any_pair_of_sizes_is_judged_rightly(least: int, most: int) -> None:
    possible = 0 <= least <= most and most >= 1
    try:
        made = DatabaseSettings(_env_file=None, pool_min_size=least, pool_max_size=most)
    except ValidationError:
        assert not possible
    else:
        assert possible and (made.pool_min_size, made.pool_max_size) == (least, most)


@pytest.mark.parametrize(
    "field",
    [
        {"pool_max_queries": 0},
        {"pool_max_inactive_lifetime": -1},
        {"command_timeout": 0},
        {"connect_timeout": -1},
        {"acquire_timeout": float("inf")},
        {"acquire_timeout": float("nan")},
        {"user": ""},
        {"database": ""},
    ],
)
def test_values_that_asyncpg_would_trip_over_are_refused(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DatabaseSettings(**field)


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValidationError):
        DatabaseSettings().pool_max_size = 3  # type: ignore[misc]


def test_every_field_is_used(tmp_path: Path) -> None:
    """Each field changes what the pool is told, or the URL."""
    changes: dict[str, Any] = {
        "host": "db.example",
        "port": 6000,
        "pool_min_size": 6,
        "pool_max_size": 21,
        "pool_max_queries": 7,
        "ssl_mode": "disable",
    }
    files = ("ssl_ca", "ssl_cert", "ssl_key")
    for name, field in DatabaseSettings.model_fields.items():
        if name in files:
            continue  # Shown by real certificates in test_settings_tls.
        value = changes.get(name, 7 if isinstance(field.default, float) else "other")
        plain, changed = DatabaseSettings(), DatabaseSettings(**{name: value})
        assert dict(plain.get_initialize_kwargs()) != dict(changed.get_initialize_kwargs()), name


def test_the_pool_class_takes_every_argument() -> None:
    arguments = DatabaseSettings().get_initialize_kwargs()
    inspect.signature(DatabasePool.initialize).bind(DatabasePool(), **arguments)
    named = set(inspect.signature(DatabasePool.initialize).parameters)
    assert set(arguments) <= named


@pytest.mark.parametrize(
    ("profile", "tutorial"),
    [
        ("development", (2, 10, 1_000, 60.0)),
        ("production", (10, 100, 50_000, 30.0)),
        ("high_traffic", (50, 200, 100_000, 15.0)),
    ],
)
def test_a_profile_has_the_tutorials_values_where_the_server_has_room(
    profile: str, tutorial: tuple[int, int, int, float]
) -> None:
    made = getattr(DatabaseSettings, profile)(500)
    seen = (made.pool_min_size, made.pool_max_size, made.pool_max_queries, made.command_timeout)
    assert seen == tutorial


@given(
    profile=st.sampled_from(["development", "production", "high_traffic"]),
    max_connections=st.integers(4, 600),
    processes=st.integers(1, 50),
    reserved=st.integers(0, 50),
)
def test_profiles_never_exceed_the_server(
    profile: str, max_connections: int, processes: int, reserved: int
) -> None:
    make = getattr(DatabaseSettings, profile)
    try:
        made = make(max_connections, processes, reserved=reserved, _env_file=None)
    except ValueError as refusal:
        assert max_connections - reserved < processes
        assert "not one connection is left" in str(refusal)
    else:
        assert made.pool_max_size * processes <= max_connections - reserved
        assert 0 <= made.pool_min_size <= made.pool_max_size


def test_a_size_beyond_the_server_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="has 24 for each of 4 processes. Choose 24 or less"):
        DatabaseSettings.production(100, 4, pool_max_size=25)
    assert DatabaseSettings.production(100, 4, pool_max_size=24).pool_max_size == 24
    monkeypatch.setenv("DB_POOL_MAX_SIZE", "25")
    with pytest.raises(ValueError, match="Choose 24 or less"):
        DatabaseSettings.production(100, 4)


def test_a_given_field_wins_over_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_POOL_MAX_SIZE", "7")
    made = DatabaseSettings.production(100, host="db.example", command_timeout=5)
    assert (made.pool_max_size, made.pool_min_size) == (7, 7)
    assert (made.host, made.command_timeout) == ("db.example", 5)
    assert DatabaseSettings.production(100, pool_max_size=9).pool_max_size == 9
    assert DatabaseSettings.production(100, pool_min_size=1).pool_min_size == 1


ODD = "a b/c@d:e?f#g%h&i=j+k'ä"


@pytest.fixture(scope="module")
def odd(own: OwnServer) -> OwnServer:
    """The own server with a role and a database of odd names."""
    # The names need doubled quotes in SQL only when they hold one.
    asyncio.run(as_superuser(own, f'CREATE ROLE "{ODD}" LOGIN', f'CREATE DATABASE "{ODD}"'))
    return own


def psql(url: str) -> subprocess.CompletedProcess[str]:
    """Log in with psql by a URL alone and ask who we are."""
    program = find_binaries({}).program("psql")
    return subprocess.run(
        [program, url, "-X", "-w", "-A", "-t", "-c", "SELECT current_user, current_database()"],
        env={name: value for name, value in os.environ.items() if not name.startswith("PG")}
        | {"PGCLIENTENCODING": "UTF8"},
        capture_output=True,
        encoding="utf-8",
        timeout=30,
    )


async def log_in_with_asyncpg(made: DatabaseSettings) -> None:
    """By the URL alone, by keywords alone, and by both, as the tutorial does."""
    for connect in (
        lambda: asyncpg.create_pool(made.get_connection_string(), min_size=1, max_size=1),
        lambda: asyncpg.create_pool(**made.get_pool_kwargs()),
        lambda: asyncpg.create_pool(made.get_connection_string(), **made.get_pool_kwargs()),
    ):
        async with asyncio.timeout(20), connect() as pool:
            assert await pool.fetchval("SELECT current_user") == made.user
            assert await pool.fetchval("SELECT current_database()") == made.database


passwords = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=24
) | st.text("@/:?#%[]&=+ '\"\\$;,", min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(password=passwords)
@example(password=SPECIAL)
@example(password="pa ss")
@example(password="pa+ss")
@example(password="pa%41ss")
@example(password="%")
@example(password=" ")
def test_any_password_logs_in_with_asyncpg_and_psql(odd: OwnServer, password: str) -> None:
    quoted = password.replace("'", "''")
    asyncio.run(as_superuser(odd, f"ALTER ROLE \"{ODD}\" PASSWORD '{quoted}'"))
    made = DatabaseSettings(
        _env_file=None,
        host=odd.server.host,
        port=odd.server.port,
        user=ODD,
        password=password,
        database=ODD,
        pool_min_size=1,
        pool_max_size=1,
    )
    asyncio.run(log_in_with_asyncpg(made))
    done = psql(made.get_connection_string())
    assert (done.stdout.strip(), done.stderr) == (f"{ODD}|{ODD}", "")


async def test_a_wrong_password_does_not_log_in(own: OwnServer) -> None:
    """So that the logins above prove something."""
    made = DatabaseSettings(
        host=own.server.host, port=own.server.port, user=own.server.user, password="wrong"
    )
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(made.get_connection_string(), timeout=10)
    assert "password authentication failed" in psql(made.get_connection_string()).stderr


@pytest.mark.parametrize(
    ("host", "in_url"),
    [("::1", "[::1]"), ("db.example", "db.example"), ("/run/postgresql", "%2Frun%2Fpostgresql")],
)
def test_every_kind_of_host_has_a_url(host: str, in_url: str) -> None:
    url = DatabaseSettings(host=host).get_connection_string()
    assert url == f"postgresql://postgres@{in_url}:5432/postgres?sslmode=prefer"


async def test_settings_reach_the_session_and_survive_release(own: OwnServer) -> None:
    made = DatabaseSettings(
        host=own.server.host,
        port=own.server.port,
        user=own.server.user,
        password=own.server.password,
        database=own.server.database,
        application_name="shop",
        command_timeout=40,
        pool_min_size=1,
        pool_max_size=1,
    )
    async with DatabasePool() as pool:
        await pool.initialize(**made.get_initialize_kwargs())
        for _ in range(3):
            async with pool.acquire() as conn:
                row = await conn.fetchrow(
                    "SELECT current_setting('application_name'), current_setting('timezone'),"
                    " current_setting('statement_timeout')"
                )
                assert tuple(row) == ("shop", "UTC", "38s")


@given(seconds=st.floats(min_value=0.0001, max_value=1e5))
def test_the_server_ends_a_statement_before_the_client_gives_up(seconds: float) -> None:
    made = DatabaseSettings(_env_file=None, command_timeout=seconds)
    milliseconds = int(made.get_pool_kwargs()["server_settings"]["statement_timeout"])
    assert milliseconds >= 1
    assert milliseconds == 1 or milliseconds < seconds * 1000


async def test_the_connect_limit_holds_for_a_server_that_never_answers() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with listener:
        made = DatabaseSettings(
            host="127.0.0.1",
            port=listener.sockets[0].getsockname()[1],
            connect_timeout=0.3,
            ssl_mode="disable",
        )
        async with asyncio.timeout(20):
            with pytest.raises(TimeoutError):
                await asyncpg.create_pool(**made.get_pool_kwargs())
