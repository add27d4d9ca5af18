"""Which server is meant: the `DB_*` settings of the environment and of `.env`.

One rule. `DB_HOST` set means that server and no other; unset means the embedded one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from labsupport.errors import LabError
from labsupport.places import project_root
from labsupport.postgres.server import SSL_MODES, Server

__all__ = ["chosen_server", "read_settings"]

PREFIXES = ("DB_", "LAB_")


def read_settings(
    environ: Mapping[str, str] | None = None, env_file: Path | None = None
) -> dict[str, str]:
    """Return the `DB_*` and `LAB_*` settings; the environment wins over `.env`.

    `environ` is `os.environ` and `env_file` the clone's `.env` unless given.
    """
    environ = os.environ if environ is None else environ
    env_file = project_root() / ".env" if env_file is None else env_file
    try:
        written = dotenv_values(env_file, encoding="utf-8", interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise LabError(f"{env_file} cannot be read ({error}). Save it as UTF-8 text.") from error
    merged = {name: value or "" for name, value in written.items()}
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
