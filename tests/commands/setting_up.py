"""Set a clone up that needs no packages: a `.venv` with pip and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from labsupport.commands.bootstrap import LEARNER, TESTER, Needs, ensure_venv, venv_python
from tests.commands.running import ROOT

__all__ = ["make_bare", "set_up", "start_set_up", "works"]

SET_UP = (
    "import sys; from labsupport.commands.bootstrap import LEARNER, ensure_venv; "
    "ensure_venv(sys.argv[1], LEARNER, lambda text: print(text, flush=True))"
)


def make_bare(folder: Path) -> Path:
    """Write locks that name no package into `folder`, so that setting it up needs no network."""
    for lock in TESTER.covers:
        (folder / lock).write_text("# nothing\n", encoding="utf-8")
    return folder


def set_up(clone: Path, needs: Needs = LEARNER) -> list[str]:
    """Set `clone` up and return what was said."""
    said: list[str] = []
    assert ensure_venv(str(clone), needs, said.append) == venv_python(str(clone))
    return said


def works(clone: Path) -> bool:
    """Whether the Python of `.venv` runs and has pip."""
    done = subprocess.run([venv_python(str(clone)), "-c", "import pip"], timeout=60, check=False)
    return done.returncode == 0


def start_set_up(clone: Path) -> subprocess.Popen[str]:
    """Set `clone` up in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", SET_UP, str(clone)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=os.name != "nt",
    )
