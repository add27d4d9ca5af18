"""The verb `measure`: what it prints and saves, on which servers, and every way it can go wrong."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from labsupport.commands import measure
from labsupport.commands.arguments import make_parser
from labsupport.commands.comparison_text import describe
from labsupport.commands.failures import guarded
from labsupport.commands.progress_bar import bar_line
from labsupport.measuring import Comparison
from labsupport.postgres import OwnServer, Server, ensure_embedded, own_server
from tests.commands.running import ROOT, command
from tests.homes import temporary_home

REFERENCE = ROOT / "data" / "reference" / "01_count_users.json"
SHORT = ("--seconds", "1", "--concurrency", "2", "--pool-size", "2")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A running embedded server in a home of its own."""
    with temporary_home():
        yield ensure_embedded()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def named(server: Server) -> AsyncIterator[OwnServer]:
    """A server to be named by `DB_HOST`, with a role that may only read: `visitor`."""
    async with own_server(max_connections=40) as own:
        yield own


@pytest.fixture
def visitor(named: OwnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """`DB_*` names the server and the role that may only read."""
    there = named.trusted
    monkeypatch.setenv("DB_HOST", there.host)
    monkeypatch.setenv("DB_PORT", str(there.port))
    monkeypatch.setenv("DB_USER", there.user)
    monkeypatch.setenv("DB_NAME", there.database)


@pytest.fixture(autouse=True)
def own_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A measuring lock that no other measurement of this machine uses."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def run(*arguments: str) -> int:
    """Run the verb in this process, without the set-up before it; return the exit code."""
    options = make_parser().parse_args(["measure", *arguments])
    return guarded(lambda: measure.run(options))


def words(text: str) -> str:
    """The text on one line, however a terminal folds it."""
    return " ".join(text.split())


def test_what_is_printed_is_what_is_saved(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, picture = tmp_path / "out.json", tmp_path / "out.SVG"
    assert run(*SHORT, "--json", str(saved), "--plot", str(picture)) == 0
    said = capsys.readouterr()
    comparison = Comparison.load(saved)
    assert words(describe(comparison, 80)) in words(said.out)
    assert list(comparison.results) == ["connect each time", "pool of 2"]
    assert {result.clients for result in comparison.results.values()} == {2}
    assert comparison.conditions.facts["query"] == measure.HEADLINE
    assert comparison.ratio().median > 1
    assert "<svg" in picture.read_text(encoding="utf-8")
    assert str(saved) in said.out
    assert str(picture) in said.out
    for text in (said.out, said.err, saved.read_text(encoding="utf-8")):
        assert server.password not in text
    # Where nobody watches there is one sentence of progress and no bar.
    assert said.err.count("\n") == 1


async def lab_databases(server: Server) -> list[str]:
    """The databases that somebody's measuring or lesson has made."""
    import asyncpg

    connection = await asyncpg.connect(**server.arguments())
    try:
        rows = await connection.fetch("SELECT datname FROM pg_database")
    finally:
        await connection.close()
    return [row["datname"] for row in rows if row["datname"].startswith("lab_kernel")]


def test_a_query_of_ones_own_and_nothing_is_left(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "out.png"
    assert run(*SHORT, "--query", "SELECT max(id) FROM orders", "--plot", str(picture)) == 0
    assert "Query: SELECT max(id) FROM orders" in words(capsys.readouterr().out)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert asyncio.run(lab_databases(server)) == []


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT 1; SELECT 2", "multiple commands"),
        ("SELECT $1::int", "expects 1 argument"),
        ("SELECT * FROM nowhere", '"nowhere" does not exist'),
        ("SELECT 'postgres://me:mine@there/'", "held a password"),
    ],
)
def test_a_query_that_fails(
    server: Server, query: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*SHORT, "--query", query) == 1
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1


def test_requests_that_fail_on_the_way_are_counted(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def untried(server: Server, database: str, query: str) -> None:
        """Let a query through that does not run."""

    monkeypatch.setattr(measure, "_try_query", untried)
    assert run(*SHORT, "--query", "SELECT 1/0") == 1
    said = words(capsys.readouterr().out)
    assert "'connect each time' had DivisionByZeroError" in said
    assert "'pool of 2' had DivisionByZeroError" in said
    assert "No conclusion" in said


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--concurrency", "0"], "'0' is no whole number"),
        (["--concurrency", "-3"], "'-3' is no whole number"),
        (["--pool-size", "2.5"], "'2.5' is no whole number"),
        (["--seconds", "nan"], "'nan' is no number of seconds"),
        (["--seconds", "0"], "'0' is no number of seconds"),
        (["--seconds", "soon"], "'soon' is no number of seconds"),
        (["--query", " "], "the query is empty"),
        (["--query", "SELECT '\udcff'"], "not valid text"),
        (["--json", ""], "the name of the file is empty"),
        (["--plot", "out.jpg"], "ends neither in .png nor in .svg"),
        (["--plot", "png"], "ends neither in .png nor in .svg"),
    ],
)
def test_bad_values_end_with_2(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--json", "--plot"])
@pytest.mark.parametrize("where", ["missing/out.png", "folder.png", "file/out.png"])
def test_a_file_that_cannot_be_written_is_said_before_anything_is_measured(
    option: str,
    where: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.setattr(measure, "find_server", None)
    assert run(option, str(tmp_path / where)) == 1
    said = capsys.readouterr().err
    assert "cannot be written" in said
    assert said.count("\n") == 1


def test_too_many_sessions_are_refused(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--concurrency", "90", "--pool-size", "50") == 1
    assert "needs 140 sessions" in capsys.readouterr().err


def test_a_role_that_may_only_read_measures_a_query_of_its_own(
    visitor: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*SHORT) == 1
    assert "may not create databases" in capsys.readouterr().err
    assert run(*SHORT, "--query", "SELECT count(*) FROM users") == 0
    assert "Note:" not in capsys.readouterr().out


def test_more_than_twenty_sessions_of_a_named_server_are_mentioned(
    visitor: None, capsys: pytest.CaptureFixture[str]
) -> None:
    many = ("--seconds", "1", "--concurrency", "11", "--pool-size", "10")
    assert run(*many, "--query", "SELECT 1") == 0
    assert "Note: this takes up to 21 sessions" in capsys.readouterr().out


def test_ctrl_c_keeps_what_was_measured(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupting(share: float, text: str) -> None:
        if text.startswith("round 2"):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(measure, "ProgressBar", lambda: interrupting)
    saved = tmp_path / "out.json"
    assert run("--seconds", "30", "--json", str(saved)) == 130
    comparison = Comparison.load(saved)
    assert comparison.ended == "stopped"
    assert words(describe(comparison, 80)) in words(capsys.readouterr().out)
    assert asyncio.run(lab_databases(server)) == []


def test_ctrl_c_before_there_is_anything_to_show(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupting(share: float, text: str) -> None:
        if not text.startswith("round"):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(measure, "ProgressBar", lambda: interrupting)
    assert run("--seconds", "30") == 130
    assert "stopped before anything was measured" in capsys.readouterr().err
    assert asyncio.run(lab_databases(server)) == []


def test_a_reader_that_goes_away_gets_no_traceback(server: Server, clone: Path) -> None:
    process = subprocess.Popen(
        command("measure", *SHORT),
        cwd=clone, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 1
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()


@pytest.mark.parametrize("width", [100, 60, 44])
def test_the_text_fits_the_terminal(width: int) -> None:
    comparison = Comparison.load(REFERENCE)
    lines = describe(comparison, width).splitlines()
    assert max(map(len, lines)) <= width
    for name, result in comparison.results.items():
        assert name in "\n".join(lines)
        assert any(line.endswith(f"{result.throughput:,.0f}") for line in lines) or width > 44


@pytest.mark.parametrize("width", [0, 7, 30, 44, 80])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_the_bar_fits_the_terminal(share: float, width: int) -> None:
    line = bar_line(share, "round 3, 2 of 8 s", width)
    assert len(line) <= width
    assert line.isascii()
    assert ("[" in line) == (width >= 44)


def test_the_bar_grows() -> None:
    assert [bar_line(share, "", 80).count("#") for share in (0, 0.5, 1)] == [0, 12, 24]
