"""Make the data of a server: in a folder of their own, which gets its name when they are whole.

A start that is killed leaves an `initdb` behind that goes on writing for a while. It writes into
the folder of its own attempt, which nobody else uses and which a later start deletes.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from labsupport.errors import LabError, tells_of_full_disk
from labsupport.postgres.account import (
    cannot_keep_state,
    give_to_server,
    make_folder,
    write_private,
)

__all__ = ["MADE", "SERVER", "forget_halves", "make_data"]

SERVER = "server"
"""The folder, in that of the cluster, which belongs to the server's user and holds the data."""
MADE = "made"
"""The file that is there when the data are whole."""
HALF = "server.half-"
PASSWORD_BYTES = 24
RENAME_LIMIT = 10

SETTINGS = """
# The lab's own settings.
listen_addresses = '127.0.0.1'
max_connections = 100
{unix_sockets}
"""
ACCESS = """# The lab: every role gives its password (SCRAM), over loopback only.
{trusted}host all all 127.0.0.1/32 scram-sha-256
"""


def make_data(
    folder: Path,
    run: Callable[..., None],
    settings: Mapping[str, str],
    trusted_role: str | None = None,
) -> None:
    """Make the data directory and the passwords in `folder`; half-made ones are thrown away first.

    `run("initdb", *arguments)` runs that program. `settings` are lines for `postgresql.conf`.
    `trusted_role` may log in without a password. Raises `LabError` when the data cannot be made;
    nothing of them is left then.
    """
    make_folder(folder)
    _forget(folder)
    try:
        _make(folder, run, settings, trusted_role)
    except OSError as error:
        _forget(folder)
        raise cannot_keep_state(error) from error
    except LabError as error:
        _forget(folder)
        mend = "Mend that, or set LAB_HOME to another folder"
        if tells_of_full_disk(str(error)):
            mend = "Free about 1 GB of that disk, or set LAB_HOME to a folder of another one"
        raise LabError(
            f"PostgreSQL's data cannot be made in {folder} ({error}). {mend}."
        ) from error
    except BaseException:
        _forget(folder)
        raise


def forget_halves(folder: Path) -> None:
    """Delete what attempts that were killed have left in `folder`."""
    for half in folder.glob(f"{HALF}*"):
        shutil.rmtree(half, ignore_errors=True)


def _forget(folder: Path) -> None:
    forget_halves(folder)
    shutil.rmtree(folder / SERVER, ignore_errors=True)
    for name in (MADE, "passwords.json"):
        (folder / name).unlink(missing_ok=True)


def _make(
    folder: Path,
    run: Callable[..., None],
    settings: Mapping[str, str],
    trusted_role: str | None,
) -> None:
    passwords = {name: secrets.token_urlsafe(PASSWORD_BYTES) for name in ("superuser", "lab")}
    write_private(folder / "passwords.json", json.dumps(passwords))
    half = folder / f"{HALF}{secrets.token_hex(4)}"
    half.mkdir()
    give_to_server(half)
    first_password = half / "first_password"
    write_private(first_password, passwords["superuser"])
    run(
        "initdb",
        *("-D", str(half / "data"), "-U", "postgres", "--pwfile", str(first_password)),
        *("-A", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
    )
    first_password.unlink()
    _configure(half / "data", settings, trusted_role)
    _rename(half, folder / SERVER)
    (folder / MADE).touch()
    # The orphan of a killed start may have gone on writing when its folder was deleted above.
    forget_halves(folder)


def _configure(data: Path, settings: Mapping[str, str], trusted_role: str | None) -> None:
    sockets = "" if os.name == "nt" else "unix_socket_directories = ''"
    lines = SETTINGS.format(unix_sockets=sockets)
    lines += "".join(f"{name} = '{value}'\n" for name, value in settings.items())
    with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(lines)
    trusted = f"host all {trusted_role} 127.0.0.1/32 trust\n" if trusted_role else ""
    (data / "pg_hba.conf").write_text(ACCESS.format(trusted=trusted), encoding="utf-8")


def _rename(half: Path, whole: Path) -> None:
    """Give the data their name, which nothing in them knows."""
    deadline = time.monotonic() + RENAME_LIMIT
    while True:
        try:
            half.rename(whole)
            return
        except PermissionError:
            # On Windows a folder cannot be renamed while a virus scanner reads a file in it.
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)
