"""Pieces of the parser: a verb, and what each kind of value has to look like.

A kind raises argparse.ArgumentTypeError for a text that is none; the parser prints its sentence.
"""

from __future__ import annotations

import argparse
import re

__all__ = [
    "add_verb",
    "count",
    "file",
    "host",
    "participants",
    "picture",
    "port",
    "prefix",
    "query",
    "seconds",
]


def add_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    summary: str,
    description: str,
) -> argparse.ArgumentParser:
    """Add a verb of one word to some, with a line for the list and a text for its --help."""
    return verbs.add_parser(name, help=summary, description=description, allow_abbrev=False)


def port(text: str) -> int:
    """A port number."""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port; write a number from 1 to 65535")


def count(text: str) -> int:
    """A whole number from 1 to 10000."""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 10000:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 10000")


def seconds(text: str) -> float:
    """A number of seconds from 1 to 3600."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if 1 <= number <= 3600:
        return number
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 1 to 3600")


def participants(text: str) -> int:
    """How many participants: a whole number from 1 to 999."""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 999:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 999")


def prefix(text: str) -> str:
    """What the names of roles begin with: letters that need no quotes in SQL."""
    if re.fullmatch(r"(?!pg_)[a-z][a-z0-9_]{0,29}", text):
        return text
    raise argparse.ArgumentTypeError(
        f"{text!r} cannot be used; write up to 30 small letters, digits and _, a letter first, "
        "and not pg_"
    )


def host(text: str) -> str:
    """A machine's name or address."""
    if re.fullmatch(r"[A-Za-z0-9.:_-]+", text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is no name or address of a machine")


def query(text: str) -> str:
    """A query that is not empty and can be sent."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError("the query is not valid text") from None
    if text.strip():
        return text
    raise argparse.ArgumentTypeError("the query is empty; write SQL, for example 'SELECT 1'")


def file(text: str) -> str:
    """The name of a file or folder."""
    if text.strip():
        return text
    raise argparse.ArgumentTypeError("the name of the file is empty")


def picture(text: str) -> str:
    """The name of a picture that can be drawn."""
    if text.lower().endswith((".png", ".svg")):
        return file(text)
    raise argparse.ArgumentTypeError(f"{text!r} ends neither in .png nor in .svg")
