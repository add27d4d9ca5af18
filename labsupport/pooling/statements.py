"""What a statement's first words say about it; comments within comments are not understood."""

from __future__ import annotations

import re

__all__ = ["is_transaction_control", "may_commit_midway"]

SPACE = r"(?:\s|--[^\n]*\n|/\*.*?\*/)*+"
"""Blanks, ends of lines and comments, which may stand before a statement."""

CONTROL = re.compile(
    rf"{SPACE}(?:BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE)\b[^;]*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
MIDWAY = re.compile(
    rf"{SPACE}(?:(?:CALL|DO|VACUUM|REINDEX|CLUSTER)\b|(?:CREATE|DROP|ALTER)\b.*\bCONCURRENTLY\b)",
    re.IGNORECASE | re.DOTALL,
)


def is_transaction_control(query: str) -> bool:
    """Whether it only begins or ends a transaction or a savepoint, as `conn.transaction()` does.

    False for several statements in one text, even if the first of them is a BEGIN.
    """
    return CONTROL.fullmatch(query) is not None


def may_commit_midway(query: str) -> bool:
    """Whether it may commit on its way, so that after an error something may be stored.

    A procedure (CALL) and a block of code (DO) may, and the commands that PostgreSQL refuses
    within a transaction, such as VACUUM. Other statements store all or nothing.
    """
    return MIDWAY.match(query) is not None
