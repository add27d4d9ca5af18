"""What the lab needs of a machine, a small function each; the first lesson shows them too."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
import tempfile
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from labsupport.commands.bootstrap import (
    NEWEST_TRIED,
    OLDEST,
    clone_folder,
    packages_are_here,
    set_up_for_anyone,
)
from labsupport.commands.ports import USUAL_PORT, has_desktop, is_free
from labsupport.errors import LabError

__all__ = ["Check", "check_clone", "machine_checks", "run_checks", "server_checks"]

NEEDED_FOR_SETUP = 1.5e9
"""Bytes: `.venv` with the test tools takes about 0.9 GB, the embedded server about 0.2 GB."""
NEEDED_TO_RUN = 0.3e9
NEEDED_SESSIONS = 20
BUSY = 0.7
"""Share of the processors in use above which a measurement is disturbed."""
SHARED_FILESYSTEMS = ("nfs", "cifs", "smb", "9p", "fuse.", "drvfs", "afpfs", "webdav", "vboxsf")

State = Literal["ok", "not ok", "note"]


@dataclass(frozen=True)
class Check:
    """One finding: `not ok` means that the lab cannot run, and `mend` says what to do about it."""

    name: str
    state: State
    detail: str
    mend: str = ""


async def run_checks() -> list[Check]:
    """Return all checks. Needs the packages; starts the embedded server when it does not run."""
    machine = machine_checks()
    if "JPY_PARENT_PID" in os.environ:
        # A notebook asks: JupyterLab runs already, and it is the one that took the port.
        machine = [check for check in machine if check.name not in ("Port", "Browser")]
    return [*machine, check_packages(), check_state_folder(), *await server_checks()]


def machine_checks() -> list[Check]:
    """Return the checks that need nothing but Python."""
    return [
        check_python(),
        check_setup(),
        check_disk(),
        check_clone(),
        check_processors(),
        check_port(),
        check_browser(),
    ]


def check_python() -> Check:
    """Whether this Python is one that the lab was made for."""
    detail = f"Python {platform.python_version()} ({sys.executable})."
    if sys.version_info[:2] < OLDEST:
        return Check("Python", "not ok", detail, "Install Python 3.11 or newer.")
    if sys.version_info[:2] > NEWEST_TRIED:
        return Check("Python", "note", detail, "It is newer than what the lab was tested with.")
    return Check("Python", "ok", detail)


def check_setup() -> Check:
    """Whether `.venv` is complete, or could be made."""
    if set_up_for_anyone(clone_folder()):
        return Check("Set-up", "ok", ".venv is complete.")
    if packages_are_here():
        return Check("Set-up", "ok", "Done by hand: this Python has the packages.")
    if importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return Check(
            "Set-up",
            "not ok",
            "This Python cannot make a virtual environment.",
            f"On Debian and Ubuntu: sudo apt install python{version}-venv",
        )
    return Check(
        "Set-up",
        "note",
        "The set-up has not been done.",
        "`python3 -m labsupport lab` does it: about 130 MB, one to three minutes.",
    )


def check_disk() -> Check:
    """Whether there is room for `.venv` and for a server's data; names the fuller of two disks."""
    clone = clone_folder()
    needed = {clone: NEEDED_TO_RUN if set_up_for_anyone(clone) else NEEDED_FOR_SETUP}
    data = _folder_of_the_data()
    if data is not None:
        needed.setdefault(data, NEEDED_TO_RUN)
    free = {folder: shutil.disk_usage(folder).free for folder in needed}
    folder = min(needed, key=lambda folder: free[folder] - needed[folder])
    detail = f"{free[folder] / 1e9:.1f} GB free for {folder}, {needed[folder] / 1e9:.1f} GB needed."
    if free[folder] < needed[folder]:
        return Check("Disk", "not ok", detail, "Free some space.")
    return Check("Disk", "ok", detail)


def _folder_of_the_data() -> str | None:
    """Return what is there of the path to the server's data; None before the set-up."""
    try:
        from labsupport.places import state_folder
    except ImportError:  # It needs a package.
        return None
    folder = state_folder()
    there = (path for path in (folder, *folder.parents) if os.path.isdir(path))
    return str(next(there, "")) or None  # On Windows the drive itself may be missing.


def check_clone() -> Check:
    """Whether the clone and its notebooks' folder can be written to: notebooks are saved there."""
    root = clone_folder()
    for folder in (root, os.path.join(root, "notebooks")):
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            return Check(
                "Clone",
                "not ok",
                f"{folder} cannot be written to ({error.strerror}).",
                "Make the clone writable for you, or copy it to a folder of your own.",
            )
    return Check("Clone", "ok", f"{root} can be written to.")


def check_processors() -> Check:
    """Whether other programs leave the processors free enough to measure."""
    count = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    detail = f"{count} processor(s)" + (f", load {load:.1f}." if load is not None else ".")
    if count == 1:
        mend = "Client and server will share it: measured ratios come out smaller."
        return Check("Processors", "note", detail, mend)
    if load is not None and load / count > BUSY:
        mend = "Other programs are busy here and will disturb the measurements."
        return Check("Processors", "note", detail, mend)
    return Check("Processors", "ok", detail)


def check_port() -> Check:
    """Whether JupyterLab gets its usual port; it takes another one otherwise."""
    if is_free(USUAL_PORT):
        return Check("Port", "ok", f"{USUAL_PORT} is free for JupyterLab.")
    return Check("Port", "note", f"{USUAL_PORT} is taken; JupyterLab will use another one.")


def check_browser() -> Check:
    """Whether a browser can open by itself."""
    if has_desktop():
        try:
            webbrowser.get()
            return Check("Browser", "ok", "A browser will open by itself.")
        except webbrowser.Error:
            pass
    mend = "Open the address that `lab` prints in a browser yourself."
    return Check("Browser", "note", "None can be opened from here.", mend)


def check_packages() -> Check:
    """Whether the packages of the learner's lock are there, in the lock's versions."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    installed = {
        canonicalize_name(package.metadata["Name"]): package.version
        for package in importlib.metadata.distributions()
    }
    lock = Path(clone_folder()) / "requirements.txt"
    missing, other = [], []
    for line in lock.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith(("#", "-")):
            continue
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        version = installed.get(canonicalize_name(wanted.name))
        if version is None:
            missing.append(wanted.name)
        elif version not in wanted.specifier:
            other.append(f"{wanted.name} {version}")
    return _packages_check(missing, other)


def _packages_check(missing: list[str], other: list[str]) -> Check:
    mend = "Run `python3 -m labsupport lab`; if that does not help, delete .venv first."
    if missing:
        return Check("Packages", "not ok", f"Not installed: {', '.join(missing)}.", mend)
    if other:
        return Check("Packages", "note", f"Not the lock's version: {', '.join(other)}.", mend)
    return Check("Packages", "ok", "All are there, in the versions of the lock.")


def check_state_folder() -> Check:
    """Whether the embedded server's data lie on a disk of this machine."""
    import psutil

    from labsupport.places import state_folder

    folder = state_folder()
    kind, length = "", -1
    for partition in psutil.disk_partitions(all=True):
        mount = Path(partition.mountpoint)
        if folder.is_relative_to(mount) and len(mount.parts) > length:
            kind, length = partition.fstype, len(mount.parts)
    if kind.lower().startswith(SHARED_FILESYSTEMS):
        return Check(
            "State folder",
            "note",
            f"{folder} lies on a shared file system ({kind}).",
            "PostgreSQL is slow or unsafe there: set LAB_HOME to a folder of a local disk.",
        )
    return Check("State folder", "ok", f"{folder} ({kind or 'unknown file system'}).")


async def server_checks() -> list[Check]:
    """Return the checks of the server that `DB_HOST` names, or of the embedded one."""
    from labsupport.postgres import find_server, inspect_server

    try:
        server = await find_server()
        facts = await inspect_server(server)
    except LabError as error:
        return [Check("PostgreSQL", "not ok", "It cannot be used.", str(error))]
    where = "embedded" if server.where == "embedded" else "named by DB_HOST"
    return [
        Check("PostgreSQL", "ok", f"Version {facts.version} at {facts.address}, {where}."),
        _role_check(facts.role, facts.may_create_databases),
        _sessions_check(facts.max_connections - facts.superuser_reserved - facts.sessions),
    ]


def _role_check(role: str, may_create_databases: bool) -> Check:
    if may_create_databases:
        return Check("Role", "ok", f"{role} may create databases.")
    return Check(
        "Role",
        "not ok",
        f"{role} may not create databases, and each notebook needs one of its own.",
        f"Ask the server's administrator for: ALTER ROLE {role} CREATEDB",
    )


def _sessions_check(free: int) -> Check:
    detail = f"{max(free, 0)} free, {NEEDED_SESSIONS} needed."
    if free < NEEDED_SESSIONS:
        mend = "End programs that hold sessions, or raise max_connections."
        return Check("Sessions", "not ok", detail, mend)
    return Check("Sessions", "ok", detail)
