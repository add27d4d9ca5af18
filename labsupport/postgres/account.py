"""Who runs the server. PostgreSQL refuses to run as root, so root hands it to `nobody`."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

from labsupport.errors import LabError, cannot_write
from labsupport.places import runs_as_root, state_folder

__all__ = [
    "cannot_keep_state",
    "give_to_server",
    "hand_over",
    "make_folder",
    "run_as_server",
    "write_private",
]

ACCOUNT = "nobody"


def cannot_keep_state(error: OSError) -> LabError:
    """Return what to say when a file of the lab's state could not be written."""
    otherwise = "Set LAB_HOME to a folder that you may write to."
    return cannot_write(str(state_folder()), error, otherwise)


def make_folder(folder: Path) -> None:
    """Make a folder of the lab's state: root's may be entered by the server's user, ours by us.

    Raises `LabError` when it cannot be made.
    """
    try:
        for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
            missing.mkdir(exist_ok=True)
            missing.chmod(0o755 if runs_as_root() else 0o700)
    except OSError as error:
        otherwise = "Set LAB_HOME to a folder that you may write to."
        raise cannot_write(str(folder), error, otherwise) from error


def run_as_server() -> dict[str, Any]:
    """Return the keyword arguments that make `subprocess` run a program as the server's user.

    Empty for an ordinary user, whose server runs as that user.
    """
    if not runs_as_root():
        return {}
    user, group = _server_user()
    return {"user": user, "group": group, "extra_groups": []}


def give_to_server(folder: Path) -> None:
    """Make `folder` private and the property of the user who runs the server.

    Raises `LabError` when that user cannot get there.
    """
    folder.chmod(0o700)
    if not runs_as_root():
        return
    for parent in folder.resolve().parents:
        if not parent.stat().st_mode & stat.S_IXOTH:
            raise LabError(
                f"As root, the lab runs PostgreSQL as the user {ACCOUNT}, who may not enter "
                f"{parent}. Set LAB_HOME to a folder that everyone may enter."
            )
    user, group = _server_user()
    if sys.platform != "win32":
        os.chown(folder, user, group)


def write_private(file: Path, text: str) -> None:
    """Write a new file that only the owner of its folder may read; an old one is replaced."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    hand_over(file)


def hand_over(file: Path) -> None:
    """Give a file to the owner of its folder."""
    owner = file.parent.stat()
    if os.name != "nt" and owner.st_uid != file.stat().st_uid:
        os.chown(file, owner.st_uid, owner.st_gid)


def _server_user() -> tuple[int, int]:
    if sys.platform == "win32":
        raise LabError("This platform has no root user.")
    import pwd

    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError as error:
        raise LabError(
            f"PostgreSQL refuses to run as root, and this machine has no user {ACCOUNT} to run it. "
            "Start the lab as an ordinary user."
        ) from error
    return entry.pw_uid, entry.pw_gid
