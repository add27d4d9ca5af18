"""Which server is meant: the `DB_*` settings of the environment and of `.env`.

One rule. `DB_HOST` set means that server and no other; unset means the embedded one.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream

from labsupport.errors import LabError
from labsupport.places import project_root
from labsupport.postgres.server import SSL_MODES, Server

__all__ = ["chosen_server", "read_settings"]

PREFIXES = ("DB_", "LAB_")


def read_settings(
    environ: Mapping[str, str] | None = None, env_file: Path | None = None
) -> dict[str, str]:
    """Return the `DB_*` and `LAB_*` settings; the environment wins over `.env`.

    `environ` is `os.environ` and `env_file` the clone's `.env` unless given. Raises `LabError`
    when the file is there and cannot be read whole: half of it could mean another server.
    """
    environ = os.environ if environ is None else environ
    merged = _written(project_root() / ".env" if env_file is None else env_file)
    merged.update(environ)
    return {name: value for name, value in merged.items() if name.startswith(PREFIXES)}


def chosen_server(settings: Mapping[str, str]) -> Server | None:
    """Return the server that `DB_HOST` names, or None when the embedded one is meant.

    Raises `LabError` when a setting cannot be used; the text names the setting.
    """
    host = settings.get("DB_HOST", "").strip()
    if not host:
        return None
    return Server(
        host=host,
        port=_port(settings.get("DB_PORT", "5432")),
        user=settings.get("DB_USER", "postgres"),
        password=settings.get("DB_PASSWORD", ""),
        database=settings.get("DB_NAME", "postgres"),
        ssl_mode=_ssl_mode(settings.get("DB_SSL_MODE", "prefer")),
        ssl_ca=settings.get("DB_SSL_CA", ""),
        where="DB_HOST",
    )


def _written(env_file: Path) -> dict[str, str]:
    try:
        # An editor on Windows may have put a mark before the first letter.
        lines = list(parse_stream(io.StringIO(env_file.read_text(encoding="utf-8-sig"))))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{env_file} cannot be read ({error}). Save it as UTF-8 text.") from error
    for line in lines:
        # The line itself stays unsaid: it may hold the password.
        if line.error:
            text = line.original.string
            # The empty lines before it are counted to it.
            number = line.original.line + text[: len(text) - len(text.lstrip())].count("\n")
            raise LabError(
                f"Line {number} of {env_file} is no setting. Write NAME=value; a value "
                "with spaces or special signs stands in 'single quotes'."
            )
    return {line.key: line.value or "" for line in lines if line.key is not None}


def _port(text: str) -> int:
    if text.strip().isascii() and text.strip().isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise LabError(
        f"DB_PORT is {text!r}, which is no port number. Write a whole number from 1 to 65535 "
        "(PostgreSQL's usual one is 5432), or remove DB_PORT."
    )


def _ssl_mode(text: str) -> str:
    if text in SSL_MODES:
        return text
    raise LabError(f"DB_SSL_MODE is {text!r}. Write one of: {', '.join(SSL_MODES)}.")
