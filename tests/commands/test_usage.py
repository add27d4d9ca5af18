"""What a person may type, and that nothing they type ends in a traceback."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport.commands import failures, launcher
from labsupport.commands.bootstrap import check_python
from labsupport.commands.failures import guarded
from labsupport.commands.launcher import main
from labsupport.errors import LabError


@pytest.fixture(autouse=True)
def same_signals() -> Iterator[None]:
    """Put the handlers back that the commands replace."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["lab", "extra"],
        ["lab", "--port"],
        ["lab", "--port", "abc"],
        ["lab", "--port", "0"],
        ["lab", "--port", "99999"],
        ["lab", "--no-brow"],
        ["test", "--only", "some"],
        ["test", "--only", "unit", "--container"],
        ["test", "--browser", "--container"],
        ["reset", "01", "02"],
        ["stop", "now"],
        ["doctor", "--fix"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python3 -m labsupport" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["lab", "test", "doctor", "reset", "stop"])
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    assert f"usage: python3 -m labsupport {verb}" in capsys.readouterr().out


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 8, 0), (3, 10, 13)])
def test_an_old_python_is_named(version: tuple[int, ...]) -> None:
    said: list[str] = []
    with pytest.raises(LabError) as refused:
        check_python(version, said.append)
    assert ".".join(map(str, version)) in str(refused.value)
    assert "3.11 or newer" in str(refused.value)
    assert said == []


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 14, 9)])
def test_a_tested_python_needs_no_words(version: tuple[int, ...]) -> None:
    said: list[str] = []
    check_python(version, said.append)
    assert said == []


def test_a_newer_python_is_called_untested() -> None:
    said: list[str] = []
    check_python((3, 15, 1), said.append)
    assert len(said) == 1
    assert "3.15.1 is untested" in said[0]


@pytest.mark.parametrize("verb", ["reset", "stop"])
def test_without_set_up_and_packages_there_is_nothing_to_stop(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launcher, "runs_inside", lambda root: False)
    monkeypatch.setattr(launcher, "set_up_for_anyone", lambda root: False)
    monkeypatch.setattr(launcher, "packages_are_here", lambda: False)
    assert main([verb]) == 1
    assert f"nothing to {verb}" in capsys.readouterr().err


def raising(error: BaseException) -> int:
    """Stand in for a verb that fails."""
    raise error


def test_a_lab_error_is_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: raising(LabError("Do this."))) == 1
    assert capsys.readouterr().err == "Do this.\n"


def test_ctrl_c_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr() == ("", "")


def test_the_unexpected_is_a_sentence_and_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "_log_folders", lambda: [str(tmp_path / "logs")])
    assert guarded(lambda: raising(ZeroDivisionError("by\nzero"))) == 1
    said = capsys.readouterr().err
    (details,) = (tmp_path / "logs").iterdir()
    assert said.count("\n") == 1
    assert "ZeroDivisionError: by zero" in said
    assert str(details) in said
    assert "Traceback" in details.read_text(encoding="utf-8")


def test_the_unexpected_is_said_where_no_file_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setattr(failures, "_log_folders", lambda: [str(blocked / "logs")])
    assert guarded(lambda: raising(ZeroDivisionError("by zero"))) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
