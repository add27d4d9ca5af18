"""Reading pip: its progress, and the cause when it fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from labsupport.commands import installing
from labsupport.commands.installing import (
    _Progress,
    explain_failure,
    packages_in_lock,
    run_logged,
)


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("ERROR: Could not install packages: [Errno 28] No space left on device", "disk is full"),
        ("WARNING: Retrying ... Failed to establish a new connection", "cannot be reached"),
        ("getaddrinfo failed\nERROR: No matching distribution found for x", "cannot be reached"),
        ("SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED'))", "PIP_CERT"),
        ("ERROR: [Errno 13] Permission denied: '/x'", "may not be written"),
        ("ERROR: No matching distribution found for anyio==4", "not there for this Python"),
        ("one\nERROR: something new.\nhint", "ERROR: something new"),
        ("", "without a word"),
    ],
)
def test_causes_are_read_from_the_output(output: str, cause: str) -> None:
    assert cause in explain_failure(output)


def test_packages_of_a_lock_are_counted_once(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("# made\na==1\nb==1 ; x < '3'\nb==2 ; x >= '3'\n\n-e .\n", encoding="utf-8")
    assert packages_in_lock(str(lock)) == 2


def test_progress_tells_when_pip_begins_to_change_things(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installing, "SECONDS_BETWEEN_LINES", 0.0)
    begun: list[str] = []
    progress = _Progress(50, lambda: begun.append("now"))
    for line in (
        "Collecting one==1",
        "  Downloading one-1.whl.metadata (3 kB)",
        "Requirement already satisfied: two==2",
        "Using cached one-1.whl (3 kB)",
        "Looking in indexes",
    ):
        progress.see(line)
    assert begun == []
    progress.see("Installing collected packages: one")
    progress.end()
    assert begun == ["now"]
    said = capsys.readouterr().err.splitlines()
    assert [line.split(" (")[0].strip() for line in said] == [
        "1 of about 50 packages found, 0 fetched",
        "2 of about 50 packages found, 0 fetched",
        "2 of about 50 packages found, 1 fetched",
        "installing them; this takes up to a minute",
    ]


def test_without_a_terminal_lines_are_few(capsys: pytest.CaptureFixture[str]) -> None:
    progress = _Progress(50, lambda: None)
    for number in range(50):
        progress.see(f"Collecting p{number}==1")
    assert capsys.readouterr().err == ""


def test_output_is_kept_and_handed_on(tmp_path: Path) -> None:
    seen: list[str] = []
    log = tmp_path / "log"
    code, said = run_logged(
        [sys.executable, "-c", "import sys; print('one'); print('two', file=sys.stderr); exit(3)"],
        str(tmp_path),
        str(log),
        seen.append,
    )
    assert code == 3
    assert sorted(seen) == ["one", "two"]
    assert said in log.read_text(encoding="utf-8")


def test_a_command_that_hangs_is_ended(tmp_path: Path) -> None:
    code, _ = run_logged(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        str(tmp_path),
        str(tmp_path / "log"),
        limit=0.5,
    )
    assert code != 0
