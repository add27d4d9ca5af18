"""The checks of the machine, and what `doctor` makes of them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from labsupport.commands import checks, doctor
from labsupport.commands.checks import Check
from tests.commands.running import run
from tests.homes import processes_of


def test_a_good_machine(clone: Path, home: Path) -> None:
    done = run(clone, "doctor")
    assert done.returncode == 0, done.stdout
    for name in ("Python", "Packages", "PostgreSQL", "Role", "Sessions"):
        assert f"\nok      {name} " in f"\n{done.stdout}"
    # It has started PostgreSQL to look at it, and leaves the machine as it was.
    assert processes_of(home) == []


def test_a_server_that_cannot_be_used(clone: Path, home: Path) -> None:
    done = run(clone, "doctor", DB_HOST="127.0.0.1", DB_PORT="1")
    assert done.returncode == 1
    assert "not ok  PostgreSQL" in done.stdout
    assert "No PostgreSQL listens at 127.0.0.1:1." in " ".join(done.stdout.split())


def test_before_the_set_up_it_says_what_it_can(clone: Path, home: Path) -> None:
    stamp = clone / ".venv" / "lab_setup.json"
    content = stamp.read_bytes()
    stamp.unlink()
    try:
        done = run(clone, "doctor")
    finally:
        stamp.write_bytes(content)
    assert "The set-up has not been done." in done.stdout
    assert "ok      Clone" in done.stdout
    assert "PostgreSQL" not in done.stdout


def test_one_wrong_thing_is_enough(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [Check("One", "ok", "Fine."), Check("Two", "not ok", "Broken.", "Mend it.")]
    monkeypatch.setattr(doctor, "_all_checks", lambda: found)
    assert doctor.run(argparse.Namespace()) == 1
    assert "Broken. Mend it." in capsys.readouterr().out
    monkeypatch.setattr(doctor, "_all_checks", lambda: found[:1])
    assert doctor.run(argparse.Namespace()) == 0


def test_long_findings_are_folded() -> None:
    lines = doctor.table([Check("Name", "note", "word " * 60)]).splitlines()
    assert len(lines) > 1
    assert max(len(line) for line in lines) <= doctor.WIDTH


def test_a_small_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "NEEDED_TO_RUN", 1e18)
    monkeypatch.setattr(checks, "NEEDED_FOR_SETUP", 1e18)
    assert checks.check_disk().state == "not ok"


def test_the_disk_of_the_servers_data_counts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {"clone": 1e11, "state": 1e8}

    def usage(folder: str | Path) -> SimpleNamespace:
        """Answer as the disk does on which the folder lies; one that is not there has none."""
        assert Path(folder).is_dir()
        return SimpleNamespace(free=free[Path(folder).name])

    for name in free:
        (tmp_path / name).mkdir()
    monkeypatch.setattr(checks, "clone_folder", lambda: str(tmp_path / "clone"))
    monkeypatch.setattr(checks.shutil, "disk_usage", usage)
    # The folder itself is made by the first start.
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "state" / "below" / "home"))
    found = checks.check_disk()
    assert found.state == "not ok"
    assert str(tmp_path / "state") in found.detail and "0.1 GB free for" in found.detail
    free["state"] = 1e12
    found = checks.check_disk()
    assert found.state == "ok"
    assert str(tmp_path / "clone") in found.detail and "100.0 GB free for" in found.detail


def test_before_the_set_up_only_the_disk_of_the_clone_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "labsupport.places", None)
    assert checks.clone_folder() in checks.check_disk().detail


def test_a_clone_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = tmp_path / "clone"
    monkeypatch.setattr(checks, "clone_folder", lambda: str(clone))
    assert checks.check_clone().state == "not ok"
    clone.mkdir()
    assert str(clone / "notebooks") in checks.check_clone().detail
    (clone / "notebooks").mkdir()
    assert checks.check_clone().state == "ok"


def test_a_taken_port_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "is_free", lambda port: False)
    assert checks.check_port().state == "note"


@pytest.mark.parametrize(
    ("count", "load", "state"), [(1, 0.0, "note"), (4, 4.0, "note"), (4, 0.5, "ok")]
)
def test_a_busy_machine_is_a_note(
    monkeypatch: pytest.MonkeyPatch, count: int, load: float, state: str
) -> None:
    monkeypatch.setattr(checks.os, "cpu_count", lambda: count)
    monkeypatch.setattr(checks.os, "getloadavg", lambda: (load, load, load), raising=False)
    assert checks.check_processors().state == state


def test_packages_are_held_against_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "requirements.txt"
    monkeypatch.setattr(checks, "clone_folder", lambda: str(tmp_path))
    lock.write_text("asyncpg>=0.1\nnot-there==1 ; python_version < '3'\n-e .\n", encoding="utf-8")
    assert checks.check_packages().state == "ok"
    lock.write_text("asyncpg==0.1\n", encoding="utf-8")
    assert checks.check_packages().state == "note"
    lock.write_text("not-there==1\n", encoding="utf-8")
    assert checks.check_packages().state == "not ok"


@pytest.mark.parametrize(("free", "state"), [(20, "ok"), (19, "not ok"), (-2, "not ok")])
def test_twenty_sessions_are_needed(free: int, state: str) -> None:
    assert checks._sessions_check(free).state == state


def test_a_role_that_may_not_create_databases() -> None:
    found = checks._role_check("ann", may_create_databases=False)
    assert found.state == "not ok"
    assert "ALTER ROLE ann CREATEDB" in found.mend
