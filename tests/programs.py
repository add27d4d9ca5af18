"""A machine that has a few programs and hardly another, for the scripts in `.ci`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

__all__ = ["run_with_programs"]

NEEDED = ("bash", "dirname")


def run_with_programs(
    script: Path, folder: Path, programs: Mapping[str, str], settings: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a script with nothing in its PATH but what it needs and `programs`, by name their text.

    `folder` is made for them. `settings` are further variables; no other `LAB_*` reaches it.
    """
    folder.mkdir()
    for name in NEEDED:
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)
    for name, text in programs.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    clean = {name: value for name, value in os.environ.items() if name[:4] != "LAB_"}
    return subprocess.run(
        [script],
        env={**clean, "PATH": str(folder), **settings},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
