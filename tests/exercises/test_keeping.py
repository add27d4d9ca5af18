"""Progress is a readable file that survives, and hints come one after the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labsupport.errors import LabError
from labsupport.exercises import Result, hint, keeping, progress, solution
from labsupport.exercises.spine import all_tasks, find_task

CORRECT = Result("1.1", "correct", "Because.")
NOT_YET = Result("1.1", "not yet", "Seen: nothing.")


def row(task_id: str) -> tuple[str, int, int]:
    """Outcome, checks and hints of an exercise."""
    found = next(row for row in progress().rows if row[0] == task_id)
    return found[2], found[3], found[4]


def test_progress_begins_empty_and_writes_nothing(work: Path) -> None:
    assert progress().correct == 0
    assert len(progress().rows) == len(all_tasks())
    assert not work.exists()


def test_what_was_correct_once_stays_so(work: Path) -> None:
    for result, outcome in ((NOT_YET, "not yet"), (CORRECT, "correct"), (NOT_YET, "correct")):
        keeping.record(result)
        assert row("1.1")[0] == outcome
    assert row("1.1") == ("correct", 3, 0)
    assert progress().correct == 1
    kept = json.loads((work / "progress.json").read_text(encoding="utf-8"))
    assert kept["1.1"]["outcome"] == "correct"
    assert {file.name for file in work.iterdir()} <= {"progress.json", ".progress.lock"}


def test_progress_reads_well_in_both_places() -> None:
    known = len(all_tasks())
    for task in all_tasks()[: known // 10]:
        keeping.record(Result(task.id, "correct", "Because."))
    assert f"{known // 10} of {known} exercises are correct." in repr(progress())
    assert "[#..." in repr(progress())
    shown = progress()._repr_html_()
    assert f'<progress value="{known // 10}" max="{known}">' in shown
    assert f'<td style="text-align: left">{find_task("3.4").title}</td>' in shown
    assert shown.count('<td style="text-align: right">') == 3 * known


@pytest.mark.parametrize("spoilt", ["{", "[]", '{"1.1": 3}', "\x00"])
def test_a_spoilt_file_is_put_aside(
    work: Path, capsys: pytest.CaptureFixture[str], spoilt: str
) -> None:
    work.mkdir()
    (work / "progress.json").write_text(spoilt, encoding="utf-8")
    assert progress().correct == 0
    assert "could not be read" in capsys.readouterr().out
    assert (work / "progress-unreadable.json").read_text(encoding="utf-8") == spoilt
    keeping.record(CORRECT)
    assert progress().correct == 1


def test_odd_numbers_in_the_file_count_as_none(work: Path) -> None:
    work.mkdir()
    text = '{"1.1": {"checks": "many", "outcome": "correct"}, "gone": {}}'
    (work / "progress.json").write_text(text, encoding="utf-8")
    assert row("1.1") == ("correct", 0, 0)
    keeping.record(NOT_YET)
    assert row("1.1") == ("correct", 1, 0)


def test_a_folder_that_cannot_be_written_is_named(work: Path) -> None:
    work.write_text("a file", encoding="utf-8")
    with pytest.raises(LabError, match="cannot be written"):
        keeping.record(CORRECT)


def test_hints_come_one_after_the_other() -> None:
    hints = find_task("1.1").hints
    texts = [hint("1.1").text for _ in range(len(hints) + 1)]
    assert texts == [*hints, hints[-1]]
    assert row("1.1") == ("not attempted", 0, len(hints))
    assert "Hint 3 of 3" in repr(hint("1.1")) and "solution" in repr(hint("1.1"))
    assert "Hint 1 of" in hint("1.2")._repr_html_()


def test_a_solution_is_shown_as_code() -> None:
    shown = solution("1.3")
    assert "async def health_check" in repr(shown)
    assert "&quot;healthy&quot;" in shown._repr_html_()
    # JupyterLab would break its lines otherwise.
    assert "white-space: pre !important" in shown._repr_html_()
    for ask in (hint, solution):
        with pytest.raises(LabError, match="no exercise '0.0'"):
            ask("0.0")


def test_what_is_forgotten_is_kept_as_a_copy(work: Path) -> None:
    assert not keeping.forget(["1.1"])
    keeping.record(CORRECT)
    keeping.record(Result("1.2", "not yet", "Seen."))
    assert keeping.forget(["1.1", "3.4"])
    assert row("1.1") == ("not attempted", 0, 0)
    assert row("1.2")[0] == "not yet"
    (copy,) = (work / "kept").glob("progress-*.json")
    assert json.loads(copy.read_text(encoding="utf-8"))["1.1"]["outcome"] == "correct"
