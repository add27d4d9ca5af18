"""The `DB_*` variables of the environment and of `.env`."""

from __future__ import annotations

import io
from collections.abc import Iterable
from os import PathLike, environ
from pathlib import Path

from dotenv.parser import parse_stream
from pydantic_settings import SettingsError

__all__ = ["find_file", "read_variables"]


def read_variables(fields: Iterable[str], env_file: Path | None) -> dict[str, str]:
    """Return the fields whose variable is set, as text: in the environment, or else in the file.

    The variable of `pool_max_size` is `DB_POOL_MAX_SIZE`, and that of `database` is `DB_NAME`, as
    PostgreSQL programs call it. pydantic-settings could read `.env` itself, but it replaces
    `${...}` in it and passes over lines that it does not understand. A password has to arrive as
    it is written, and half of a file could mean another server.

    Raises SettingsError, a ValueError, unless the whole file can be read.
    """
    values = {**(_written(env_file) if env_file else {}), **environ}
    names = {field: "DB_NAME" if field == "database" else f"DB_{field.upper()}" for field in fields}
    return {field: values[name] for field, name in names.items() if name in values}


def find_file(env_file: str | PathLike[str] | None) -> Path | None:
    """Return the file, in the working folder or the one above it; None when there is none."""
    if env_file is None:
        return None
    name, here = Path(env_file).expanduser(), Path.cwd()
    return next((file for file in (here / name, here.parent / name) if file.is_file()), None)


def _written(env_file: Path) -> dict[str, str]:
    try:
        # An editor on Windows may have put a mark before the first letter.
        text = env_file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        text = f"{env_file} cannot be read ({error}). Save it as UTF-8 text."
        raise SettingsError(text) from error
    lines = list(parse_stream(io.StringIO(text)))
    for line in lines:
        # The line itself stays unsaid: it may hold the password.
        if line.error:
            read = line.original.string
            # The empty lines before it are counted to it.
            number = line.original.line + read[: len(read) - len(read.lstrip())].count("\n")
            raise SettingsError(
                f"Line {number} of {env_file} is no setting. Write NAME=value; a value "
                "with spaces or special signs stands in 'single quotes'."
            )
    return {line.key: line.value or "" for line in lines if line.key is not None}
