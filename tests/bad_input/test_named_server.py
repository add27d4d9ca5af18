"""A server that is named wrongly, or is the wrong one: the same sentence wherever it is met."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from labsupport.commands.checks import Check, server_checks
from tests.bad_input.named import SPECIAL, Named, named_server
from tests.bad_input.notebook import Notebook
from tests.bad_input.strangers import listening, speak_http, speak_old_postgres
from tests.commands.running import run

SECRET = "hunter2-is-secret"
Circumstance = Callable[[Named], contextlib.AbstractContextManager[object]]


@contextlib.contextmanager
def as_it_is(named: Named) -> Iterator[None]:
    """Change nothing about the server."""
    yield


@dataclass(frozen=True)
class Case:
    """Settings on top of those that work, and what is said: what is wrong, and what to do."""

    name: str
    wrong: str
    mend: str
    settings: dict[str, str] = field(default_factory=dict)
    circumstance: Circumstance = as_it_is


CASES = [
    Case("port empty", "DB_PORT is ''", "Write a whole number", {"DB_PORT": ""}),
    Case("port abc", "DB_PORT is 'abc'", "Write a whole number", {"DB_PORT": "abc"}),
    Case("port 99999", "DB_PORT is '99999'", "from 1 to 65535", {"DB_PORT": "99999"}),
    Case("tls mode", "DB_SSL_MODE is 'on'", "Write one of: disable", {"DB_SSL_MODE": "on"}),
    Case("tls wanted", "speaks no TLS", "Check DB_SSL_MODE", {"DB_SSL_MODE": "require"}),
    Case(
        "tls authority",
        "DB_SSL_CA is 'nowhere.pem'",
        "Name the file",
        {"DB_SSL_MODE": "verify-full", "DB_SSL_CA": "nowhere.pem"},
    ),
    Case("unknown name", "The name 'db.invalid' is not known", "Check", {"DB_HOST": "db.invalid"}),
    Case("no name", "The name 'db..lab' is not known", "Check DB_HOST", {"DB_HOST": "db..lab"}),
    Case("an address", "'http://db' is not known", "Check DB_HOST", {"DB_HOST": "http://db"}),
    Case("nobody listens", "No PostgreSQL listens", "remove DB_HOST", {"DB_PORT": "1"}),
    Case("password", "refuses the role 'lab'", "DB_PASSWORD", {"DB_PASSWORD": SECRET}),
    Case("no password", "refuses the role 'lab'", "DB_PASSWORD", {"DB_PASSWORD": ""}),
    Case("role", "refuses the role 'stranger'", "Check DB_USER", {"DB_USER": "stranger"}),
    Case("database", "has no database 'nowhere'", "Check DB_NAME", {"DB_NAME": "nowhere"}),
    Case(
        "poor role",
        "may not create databases",
        "ALTER ROLE poor CREATEDB",
        {"DB_USER": "poor", "DB_PASSWORD": "poor-password"},
    ),
    Case(
        "full server",
        "has no connection left",
        "Close other programs' sessions",
        circumstance=lambda named: named.full(),
    ),
]


@pytest.fixture(scope="module")
def named(home: Path) -> Iterator[Named]:
    """The server that the cases are about."""
    with named_server() as server:
        yield server


def check_terminal(done: subprocess.CompletedProcess[str], case: Case) -> None:
    """One line that says both, exit code 1, and no secret."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert case.wrong in done.stderr and case.mend in done.stderr, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert "is ready" not in done.stdout


def findings(settings: dict[str, str], environment: pytest.MonkeyPatch) -> list[Check]:
    """Return what `doctor` finds wrong about the server."""
    for name, value in settings.items():
        environment.setenv(name, value)
    return [check for check in asyncio.run(server_checks()) if check.state == "not ok"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_one_sentence_for_everybody(
    case: Case,
    named: Named,
    clone: Path,
    home: Path,
    notebook: Notebook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = {**named.settings, **case.settings}
    with case.circumstance(named):
        check_terminal(run(clone, "lab", "--no-browser", **settings), case)
        wrong = findings(settings, monkeypatch)
        shown = notebook.begin(**settings)
    assert len(wrong) == 1
    assert case.wrong in f"{wrong[0].detail} {wrong[0].mend}"
    assert case.mend in wrong[0].mend
    assert len(shown.error) == 1, shown.error
    assert case.wrong in shown.error[0] and case.mend in shown.error[0]
    assert SECRET not in shown.everything
    # The embedded server takes nobody's place, and nothing is left on the other one.
    assert not (home / "servers").exists()
    assert named.databases() == []


@pytest.mark.parametrize(
    ("speak", "wrong", "mend"),
    [
        (
            speak_old_postgres("13.14"),
            "is PostgreSQL 13.14. The lab needs 14 or newer",
            "remove DB_HOST",
        ),
        (
            speak_old_postgres("9.6.24"),
            "is PostgreSQL 9.6.24. The lab needs 14 or newer",
            "remove DB_HOST",
        ),
        (speak_http, "or is no PostgreSQL", "Check DB_SSL_MODE, DB_HOST and DB_PORT"),
    ],
)
def test_a_server_of_another_kind(
    speak: Callable[..., object],
    wrong: str,
    mend: str,
    clone: Path,
    notebook: Notebook,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with listening(speak) as port:
        settings = {"DB_HOST": "127.0.0.1", "DB_PORT": str(port), "DB_PASSWORD": SECRET}
        done = run(clone, "lab", "--no-browser", **settings)
        check_terminal(done, Case("stranger", wrong, mend))
        assert wrong in findings(settings, monkeypatch)[0].mend
        shown = notebook.begin(**settings)
    assert len(shown.error) == 1 and wrong in shown.error[0]


def test_a_server_that_is_full_half_way_keeps_no_half_database(
    named: Named, clone: Path, notebook: Notebook
) -> None:
    # One connection is enough to begin with, and the sample data need a second one.
    with named.full(but=1):
        done = run(clone, "lab", "--no-browser", **named.settings)
        shown = notebook.begin(**named.settings)
        assert named.databases() == []
    check_terminal(done, Case("half", "has no connection left", "Close other programs' sessions"))
    assert len(shown.error) == 1 and "has no connection left" in shown.error[0]


def test_doctor_says_it_in_the_terminal(named: Named, clone: Path) -> None:
    done = run(clone, "doctor", **{**named.settings, "DB_PASSWORD": SECRET})
    assert done.returncode == 1
    assert "refuses the role 'lab'" in " ".join(done.stdout.split())
    assert done.stderr == ""
    assert SECRET not in done.stdout


def test_after_all_that_the_right_settings_work(
    named: Named, clone: Path, notebook: Notebook
) -> None:
    assert run(clone, "doctor", **named.settings).returncode == 0
    shown = notebook.begin(**named.settings)
    assert shown.error == []
    assert "Lesson 01 is ready." in shown.printed
    assert named.own.server.password not in shown.everything


def test_any_password_logs_in_from_the_environment_and_from_the_file(
    named: Named, clone: Path, notebook: Notebook
) -> None:
    settings = {**named.settings, "DB_USER": "special", "DB_PASSWORD": SPECIAL}
    notebook.begin(**named.settings)
    shown = notebook.begin(**settings)
    assert len(shown.error) == 1 and "Restart the kernel" in shown.error[0]
    notebook.restart()
    assert run(clone, "doctor", **settings).returncode == 0
    assert "Lesson 01 is ready." in notebook.begin(**settings).printed, shown.error
    quoted = SPECIAL.replace("\\", "\\\\").replace("'", "\\'")
    lines = [f"{name}={value}" for name, value in settings.items() if name != "DB_PASSWORD"]
    file = clone / ".env"
    # Windows' editor puts a mark before the first letter.
    file.write_text("\n".join([*lines, f"DB_PASSWORD='{quoted}'"]) + "\n", encoding="utf-8-sig")
    try:
        assert run(clone, "doctor").returncode == 0
        shown = notebook.begin()
    finally:
        file.unlink()
    assert "(named by DB_HOST)" in shown.printed, shown.error
    assert SPECIAL not in shown.everything


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"DB_HOST=127.0.0.1\nDB_PASSWORD='hunter2-is-secret\n", "Line 2 of"),
        (b"DB_HOST 127.0.0.1\n", "Line 1 of"),
        (b"# ours\n\nDB_HOST is here\n", "Line 3 of"),
        ("DB_HOST=127.0.0.1\n".encode("utf-16"), "cannot be read"),
        (None, "cannot be read"),
    ],
    ids=["open quote", "no sign", "below a comment", "UTF-16", "a folder"],
)
def test_a_file_of_settings_that_cannot_be_read_is_not_passed_over(
    content: bytes | None, wrong: str, clone: Path, home: Path, notebook: Notebook
) -> None:
    file = clone / ".env"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    try:
        done = run(clone, "lab", "--no-browser")
        shown = notebook.begin()
    finally:
        if content is None:
            file.rmdir()
        else:
            file.unlink()
    check_terminal(done, Case("file", wrong, "Write NAME=value" if "Line" in wrong else "Save it"))
    assert len(shown.error) == 1 and wrong in shown.error[0]
    assert SECRET not in shown.everything
    assert not (home / "servers").exists()
