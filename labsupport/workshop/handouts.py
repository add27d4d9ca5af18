"""What a participant gets: a file `.env` with an address and a password, for nobody else's eyes."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from labsupport.errors import LabError, cannot_write
from labsupport.postgres import Server, chosen_server, read_settings

__all__ = ["Handout", "delete_handout", "prepare_folder", "read_handout", "write_handout"]

FIRST_LINE = (
    "# Made by the Connection Pooling Lab for {name}. Copy this file to .env in your clone."
)
OTHERWISE = "Choose a folder that you may write to, with --output."


@dataclass(frozen=True)
class Handout:
    """What stands in a participant's file."""

    name: str
    """The participant: role and database are called so."""
    host: str
    port: int
    password: str = field(repr=False)
    ssl_mode: str = "prefer"
    ssl_ca: str = ""

    @classmethod
    def for_participant(cls, name: str, server: Server, host: str, password: str) -> Handout:
        """A participant's way to `server`, which is called `host` where the participant sits."""
        return cls(name, host, server.port, password, server.ssl_mode, server.ssl_ca)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    def seen_from_here(self, server: Server) -> Server:
        """The participant's way to the server by the address that is used here."""
        return replace(server, user=self.name, password=self.password, database=self.name)

    def text(self) -> str:
        """The lines of the file."""
        lines = [
            FIRST_LINE.format(name=self.name),
            f"DB_HOST={self.host}",
            f"DB_PORT={self.port}",
            f"DB_USER={self.name}",
            f"DB_PASSWORD={self.password}",
            f"DB_NAME={self.name}",
            f"DB_SSL_MODE={self.ssl_mode}",
        ]
        if self.ssl_ca:
            quoted = self.ssl_ca.replace("\\", "\\\\").replace("'", "\\'")
            lines.append(f"DB_SSL_CA='{quoted}'")
        return "\n".join(lines) + "\n"


def prepare_folder(folder: Path) -> None:
    """Make the folder, for its owner alone. Raises `LabError` when files cannot be written there.

    A folder that is there stays as it is.
    """
    probe = folder / f".probe.{os.getpid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise cannot_write(str(folder), error, OTHERWISE) from error


def file_of(folder: Path, name: str) -> Path:
    """The file of one participant."""
    return folder / f"{name}.env"


def read_handout(folder: Path, name: str) -> Handout | None:
    """Return what a participant's file holds; None when there is none.

    Raises `LabError` for a file of that name that the lab did not make.
    """
    path = file_of(folder, name)
    if not path.exists():
        return None
    try:
        # Read without `.env` rules first: only our own first line makes it our file.
        ours = path.read_text(encoding="utf-8").startswith(FIRST_LINE.format(name=name))
        server = chosen_server(read_settings({}, path)) if ours else None
    except (OSError, UnicodeDecodeError, LabError):
        server = None
    if server is None or server.user != name:
        raise LabError(
            f"{path} is not a file that `workshop create` wrote, or was changed since. Move it "
            "away or choose another folder with --output."
        )
    return Handout(name, server.host, server.port, server.password, server.ssl_mode, server.ssl_ca)


def write_handout(folder: Path, handout: Handout) -> Path:
    """Write a participant's file, whole or not at all, readable for its owner alone.

    Raises `LabError` when it cannot be written.
    """
    path = file_of(folder, handout.name)
    half = path.with_name(f"{path.name}.half")
    try:
        half.unlink(missing_ok=True)
        # Private from its first moment on: a file made first and closed later was open meanwhile.
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(handout.text())
        half.replace(path)
    except OSError as error:
        raise cannot_write(str(path), error, OTHERWISE) from error
    finally:
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)
    return path


def delete_handout(folder: Path, name: str) -> bool:
    """Delete a participant's file, if it is there and ours; return whether it was deleted.

    Raises `LabError` when it cannot be deleted.
    """
    try:
        if read_handout(folder, name) is None:
            return False
    except LabError:
        return False
    try:
        file_of(folder, name).unlink()
    except OSError as error:
        raise cannot_write(str(file_of(folder, name)), error, "Delete it by hand.") from error
    return True
