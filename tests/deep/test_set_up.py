"""A set-up that is killed, that fails, that meets another one, or finds a Python gone."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from labsupport.commands import bootstrap
from labsupport.commands.bootstrap import LEARNER, is_ready, venv_python
from labsupport.errors import LabError
from tests.commands.setting_up import make_bare, set_up, start_set_up, works
from tests.homes import wait_until


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A clone with locks that name no package, so that setting it up needs no network."""
    return make_bare(tmp_path)


def test_a_python_that_has_gone_away_is_set_up_anew(bare: Path) -> None:
    set_up(bare)
    mark = bare / ".venv" / "mark"
    mark.touch()
    Path(venv_python(str(bare))).unlink()
    assert not is_ready(str(bare), LEARNER)
    assert set_up(bare)[-1] == "The set-up is complete."
    assert works(bare)
    assert not mark.exists()


def test_a_killed_set_up_is_completed_by_the_next(bare: Path) -> None:
    process = start_set_up(bare)
    wait_until((bare / ".venv" / bootstrap.UNFINISHED).exists, "the set-up has begun")
    if os.name == "nt":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)
    assert not is_ready(str(bare), LEARNER)
    set_up(bare)
    assert works(bare)
    assert is_ready(str(bare), LEARNER)
    assert not (bare / ".venv" / bootstrap.UNFINISHED).exists()


def test_two_set_ups_at_once_do_the_work_once(bare: Path) -> None:
    processes = [start_set_up(bare), start_set_up(bare)]
    said = [process.communicate(timeout=100)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted("Setting up" in text for text in said) == [False, True]
    assert sorted("Another set-up" in text for text in said) == [False, True]
    assert works(bare)


def test_a_failed_installation_names_cause_and_log_and_leaves_nothing(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    (bare / "requirements.txt").write_text("not-there==1.0\n", encoding="utf-8")
    with pytest.raises(LabError) as refused:
        set_up(bare)
    log = bare / ".venv" / bootstrap.LOG
    assert "not there for this Python" in str(refused.value)
    assert str(log) in str(refused.value)
    assert "not-there==1.0" in log.read_text(encoding="utf-8")
    assert {path.name for path in (bare / ".venv").iterdir()} == {bootstrap.LOG, bootstrap.LOCK}


def test_a_wheel_folder_is_enough(
    bare: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    source = tmp_path_factory.mktemp("source")
    make_wheel(bare / "wheels", source)
    (bare / "requirements.txt").write_text("tiny-thing==1.0\n", encoding="utf-8")
    set_up(bare)
    subprocess.run([venv_python(str(bare)), "-c", "import tiny_thing"], check=True, timeout=60)


def make_wheel(folder: Path, source: Path) -> None:
    """Write the wheel of a package with one empty module; a wheel is a ZIP with four files."""
    import zipfile

    folder.mkdir()
    info = "tiny_thing-1.0.dist-info"
    files = {
        "tiny_thing.py": "",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(folder / "tiny_thing-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
