"""Make `.venv` in the clone and keep it in step with the lock, from nothing but Python.

`.venv/lab_setup.json`, the stamp, is written when everything is installed, and says for which
lock, which Python and which place. Anything else than a stamp that fits is completed or remade.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from labsupport.commands.installing import explain_failure, install_lock, run_logged
from labsupport.commands.setup_lock import setup_lock
from labsupport.errors import LabError

__all__ = [
    "BROWSER",
    "LEARNER",
    "TESTER",
    "WORKSHOP",
    "Needs",
    "check_python",
    "clone_folder",
    "ensure_venv",
    "is_ready",
    "packages_are_here",
    "runs_inside",
    "set_up_for_anyone",
    "venv_python",
    "write_stamp",
]

OLDEST = (3, 11)
NEWEST_TRIED = (3, 14)
SOME_PACKAGES = ("asyncpg", "dotenv", "filelock", "packaging", "platformdirs", "psutil")
VENV_LIMIT = 300.0
LOG = "lab_setup.log"
LOCK = "lab_setup.lock"
STAMP = "lab_setup.json"
UNFINISHED = "lab_setup.unfinished"


class Needs:
    """What a verb needs: the lock to install, the locks that it covers, and what it downloads."""

    def __init__(self, lock: str, covers: tuple[str, ...], megabytes: int) -> None:
        self.lock = lock
        self.covers = covers
        self.megabytes = megabytes


LEARNER = Needs("requirements.txt", ("requirements.txt",), 130)
WORKSHOP = Needs("requirements-workshop.txt", ("requirements-workshop.txt", *LEARNER.covers), 131)
TESTER = Needs("requirements-dev.txt", ("requirements-dev.txt", *WORKSHOP.covers), 180)
BROWSER = Needs("requirements-browser.txt", ("requirements-browser.txt", *TESTER.covers), 235)


def check_python(version: tuple[int, ...], say: Callable[[str], None]) -> None:
    """Raise `LabError` when `version` is too old; say it when it is newer than what was tried."""
    number = ".".join(str(part) for part in version[:3])
    if tuple(version[:2]) < OLDEST:
        raise LabError(
            f"This is Python {number}, and the lab needs Python {_dotted(OLDEST)} or newer. "
            "Install one from https://www.python.org/downloads/ and start the lab with it, "
            "for example: python3.12 -m labsupport lab"
        )
    if tuple(version[:2]) > NEWEST_TRIED:
        say(
            f"Python {number} is untested with this lab (tested: {_dotted(OLDEST)} to "
            f"{_dotted(NEWEST_TRIED)}); going on."
        )


def clone_folder() -> str:
    """Return the clone that this module lies in."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))


def venv_python(root: str) -> str:
    """Return the path that the Python of the clone's `.venv` has, whether it is there or not."""
    parts = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return os.path.join(root, ".venv", *parts)


def packages_are_here() -> bool:
    """Whether this Python has the packages by another way, as after a `pip install` by hand."""
    return all(importlib.util.find_spec(name) is not None for name in SOME_PACKAGES)


def runs_inside(root: str) -> bool:
    """Whether this process runs in the clone's `.venv`."""
    return os.path.realpath(sys.prefix) == os.path.realpath(os.path.join(root, ".venv"))


def is_ready(root: str, needs: Needs) -> bool:
    """Whether `.venv` holds what `needs` asks for, for this Python and at this place."""
    stamp, fingerprint = _read_stamp(root), _fingerprint(root, needs.lock)
    if stamp is None or fingerprint is None:
        return False
    try:
        lock_fits = stamp["locks"].get(needs.lock) == fingerprint
    except (AttributeError, KeyError):
        return False
    return lock_fits and _stamp_fits_here(root, stamp)


def set_up_for_anyone(root: str) -> bool:
    """Whether set-up has finished here once, for whichever Python and lock."""
    stamp = _read_stamp(root)
    return stamp is not None and stamp.get("clone") == root


def ensure_venv(root: str, needs: Needs, say: Callable[[str], None]) -> str:
    """Make or complete `.venv` where it is not ready, and return the path of its Python.

    Raises `LabError` with a cause; an interrupted set-up is completed by the next call.
    """
    if is_ready(root, needs):
        return venv_python(root)
    if not os.path.exists(os.path.join(root, needs.lock)):
        raise LabError(f"{needs.lock} is missing in {root}. Fetch the clone again.")
    venv = os.path.join(root, ".venv")
    try:
        os.makedirs(venv, exist_ok=True)
        with setup_lock(os.path.join(venv, LOCK), say) as descriptor:
            # Another set-up may have done it while this one waited.
            if not is_ready(root, needs):
                _set_up(root, needs, say, descriptor)
    except OSError as error:
        raise LabError(
            f"The set-up cannot write to {venv} ({error.strerror or error}). Make the clone "
            "writable for you and free about 1 GB of disk, or copy it to a folder of your own."
        ) from error
    return venv_python(root)


def write_stamp(root: str, needs: Needs) -> None:
    """Note that `.venv` holds what `needs` asks for, for this Python and at this place."""
    locks = {lock: _fingerprint(root, lock) for lock in needs.covers}
    stamp = {"clone": root, "python": _this_python(), "locks": locks}
    path = os.path.join(root, ".venv", STAMP)
    _write(path + ".new", json.dumps(stamp, indent=2))
    os.replace(path + ".new", path)


def _set_up(root: str, needs: Needs, say: Callable[[str], None], lock_descriptor: int) -> None:
    venv = os.path.join(root, ".venv")
    log = os.path.join(venv, LOG)
    unfinished = os.path.join(venv, UNFINISHED)
    completed = _can_be_completed(root)
    megabytes = needs.megabytes - (_megabytes_there(root, needs) if completed else 0)
    # The sizes differ a little from one system to the next.
    rounded = round(megabytes, -1) or megabytes
    say(
        f"Setting up .venv: about {rounded} MB to download, one to three minutes; "
        "later starts take seconds."
    )
    _write(log, "")
    try:
        if not completed:
            _make_venv(root, log)
        install_lock(
            venv_python(root),
            root,
            needs.lock,
            log,
            before_change=lambda: _write(unfinished, ""),
            keep_open=(lock_descriptor,),
        )
        write_stamp(root, needs)
        _forget(unfinished)
        say("The set-up is complete.")
    except (LabError, OSError):
        # What pip had begun to change cannot be trusted; what it had not is still good.
        if os.path.exists(unfinished) and not runs_inside(root):
            _clear(venv)
        raise
    except KeyboardInterrupt:
        say("The set-up was interrupted; the next start completes it.")
        raise


def _can_be_completed(root: str) -> bool:
    """Whether the `.venv` that is there works, so that pip can add what is missing."""
    if os.path.exists(os.path.join(root, ".venv", UNFINISHED)):
        return False
    stamp = _read_stamp(root)
    if stamp is not None and not _stamp_fits_here(root, stamp):
        return False
    question = "import sys, pip; print(sys.prefix); print(*sys.version_info[:2], sep='.')"
    try:
        answer = subprocess.run(
            [venv_python(root), "-I", "-c", question],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return False
    lines = answer.stdout.splitlines()
    return (
        answer.returncode == 0
        and len(lines) == 2
        and os.path.realpath(lines[0]) == os.path.realpath(os.path.join(root, ".venv"))
        and lines[1] == _this_python()
    )


def _megabytes_there(root: str, needs: Needs) -> int:
    """Return the size of the largest part of `needs` that is installed as it is today."""
    smaller = [known for known in (LEARNER, WORKSHOP, TESTER) if known.lock in needs.covers]
    return max([known.megabytes for known in smaller if is_ready(root, known)], default=0)


def _make_venv(root: str, log: str) -> None:
    if runs_inside(root):
        raise LabError(
            "The .venv that this command runs in cannot be completed. Delete the folder .venv "
            "and start again with the Python that is installed on this machine."
        )
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise LabError(
            f"This Python cannot make a virtual environment. On Debian and Ubuntu install it "
            f"with `sudo apt install python{_this_python()}-venv`, then start again."
        )
    venv = os.path.join(root, ".venv")
    _clear(venv)
    _write(os.path.join(venv, UNFINISHED), "")
    # In two steps: `venv` alone keeps to itself what pip's installation says when it fails.
    for command in (
        [sys.executable, "-m", "venv", "--without-pip", venv],
        [venv_python(root), "-I", "-m", "ensurepip", "--upgrade", "--default-pip"],
    ):
        code, said = run_logged(command, root, log, limit=VENV_LIMIT)
        if code != 0:
            cause = explain_failure(said)
            raise LabError(f".venv could not be made: {cause}. Details are in {log}.")


def _clear(venv: str) -> None:
    """Empty the folder `.venv`, but for the log and for the lock, which is held."""
    for name in os.listdir(venv):
        path = os.path.join(venv, name)
        if name in (LOG, LOCK):
            continue
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def _read_stamp(root: str) -> dict[str, Any] | None:
    """Return the stamp of a finished set-up whose Python is there, or None."""
    venv = os.path.join(root, ".venv")
    if os.path.exists(os.path.join(venv, UNFINISHED)) or not os.path.exists(venv_python(root)):
        return None
    try:
        with open(os.path.join(venv, STAMP), encoding="utf-8") as file:
            stamp = json.load(file)
    except (OSError, ValueError):
        return None
    return stamp if isinstance(stamp, dict) else None


def _stamp_fits_here(root: str, stamp: dict[str, Any]) -> bool:
    # The scripts of a .venv name its place, so that a moved clone needs a new one.
    return stamp.get("clone") == root and stamp.get("python") == _this_python()


def _fingerprint(root: str, lock: str) -> str | None:
    try:
        with open(os.path.join(root, lock), "rb") as file:
            # A checkout on Windows may have changed the line ends.
            return hashlib.sha256(file.read().replace(b"\r\n", b"\n")).hexdigest()
    except OSError:
        return None


def _this_python() -> str:
    return _dotted(sys.version_info[:2])


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _forget(path: str) -> None:
    if os.path.exists(path):
        os.unlink(path)
