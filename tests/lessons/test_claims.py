"""Claims, predictions and the end of a lesson."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport.errors import LabError
from labsupport.lessons import (
    LessonFailed,
    at_least,
    at_most,
    begin,
    between,
    claims,
    finish,
    guessed,
    less_than,
    more_than,
    number,
    predict,
    verify,
)
from labsupport.postgres import connect
from tests.homes import temporary_home


@pytest.fixture(autouse=True)
def no_claims() -> None:
    claims.forget_all()


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the learner's own."""
    monkeypatch.setattr("labsupport.lessons.predictions.work_folder", lambda: tmp_path / "my_work")
    return tmp_path / "my_work"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with temporary_home() as folder:
        yield folder


@pytest.mark.parametrize(
    ("seen", "expected", "holds"),
    [
        (3, 3, True),
        (3, 4, False),
        ([], [], True),
        (2.0, more_than(1), True),
        (1, more_than(1), False),
        (1, less_than(1), False),
        (1, at_most(1), True),
        (2, at_most(1), False),
        (1, at_least(1), True),
        (0, at_least(1), False),
        (1, between(1, 2), True),
        (3, between(1, 2), False),
    ],
)
def test_a_claim_holds_exactly_when_what_was_seen_is_as_expected(
    seen: object, expected: object, holds: bool
) -> None:
    verify("A claim.", seen, expected)
    assert [claim.holds for claim in claims.remembered()] == [holds]


def test_a_claim_that_does_not_hold_says_what_was_seen_and_why_that_may_be(
    capsys: pytest.CaptureFixture[str],
) -> None:
    verify("Ten <are> ten.", 9, 10, if_not="somebody took one.")
    said = capsys.readouterr().out
    assert "DOES NOT HOLD" in said and "Seen: 9" in said and "Expected: 10" in said
    assert "somebody took one." in said
    html = claims.remembered()[0]._repr_html_()
    assert "Does not hold" in html and "Ten &lt;are&gt; ten." in html


def test_running_a_cell_again_replaces_its_claim() -> None:
    verify("A claim.", 1, 2)
    verify("A claim.", 2, 2)
    assert claims.failed() == []


def test_a_guess_is_kept_in_a_readable_file(work: Path) -> None:
    predict("01.1", 20)
    predict("01.2", "larger")
    predict("01.1", 25)
    written = json.loads((work / "predictions.json").read_text(encoding="utf-8"))
    assert written == {"01.1": 25, "01.2": "larger"}
    assert guessed("01.1") == "You guessed 25. "


def test_no_guess_is_no_file_and_no_sentence(work: Path) -> None:
    predict("01.1", None)
    assert not work.exists()
    assert guessed("01.1") == ""


def test_a_broken_file_of_guesses_is_kept_aside(work: Path) -> None:
    work.mkdir()
    (work / "predictions.json").write_text("{broken", encoding="utf-8")
    predict("01.1", 3)
    assert guessed("01.1") == "You guessed 3. "
    kept = work / "predictions-unreadable.json"
    assert kept.read_text(encoding="utf-8") == "{broken"


def test_a_file_in_place_of_the_folder_of_guesses_is_named(work: Path) -> None:
    work.write_text("not a folder", encoding="utf-8")
    with pytest.raises(LabError, match="my_work cannot be written"):
        predict("01.1", 3)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "not known (too few requests)"),
        ([], "none"),
        (["Port"], "['Port']"),
        (True, "True"),
        (12345, "12,345"),
        (1234.5, "1,234"),
        (139.2, "139"),
        (4.239, "4.24"),
        (0.0421, "0.0421"),
    ],
)
def test_figures_read_like_figures(value: object, text: str) -> None:
    assert number(value) == text


async def test_a_lesson_begins_and_ends_and_leaves_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = await begin("01")
    assert lab.server.password not in capsys.readouterr().out
    verify("It holds.", 1, 1)
    await finish(lab)
    assert "All 2 claims held." in capsys.readouterr().out
    async with connect(lab.server) as connection:
        known = "SELECT count(*) FROM pg_database WHERE datname = $1"
        assert await connection.fetchval(known, lab.database) == 0


async def test_a_failed_claim_fails_the_lesson_at_its_end(home: Path) -> None:
    lab = await begin("01")
    verify("Two is three.", 2, 3)
    with pytest.raises(LessonFailed, match=r"1 of 2 claims did not hold: \(1\) Two is three."):
        await finish(lab)


async def test_a_session_left_open_fails_the_lesson_and_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labsupport.lessons.ending.LOOKS", 2)
    lab = await begin("01")
    async with connect(lab.server, lab.database) as forgotten:
        await forgotten.fetchval("SELECT 'forgotten'")
        with pytest.raises(LessonFailed, match="left no session open"):
            await finish(lab)
        assert "forgotten" in claims.failed()[0].if_not


async def test_beginning_again_goes_on_with_the_same_database(home: Path) -> None:
    first = await begin("01")
    verify("Of the first run.", 1, 2)
    again = await begin("01")
    assert again.database == first.database
    assert claims.remembered() == []
    await finish(again)
