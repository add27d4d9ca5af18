"""Passwords that nobody chooses, and the form in which a server may see them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

__all__ = ["new_password", "scram_verifier"]

BYTES = 18
ROUNDS = 4096
"""PostgreSQL's own number; RFC 7677 asks for at least so many."""


def new_password() -> str:
    """A password of 24 letters, digits, "-" and "_", which needs no quoting anywhere."""
    return secrets.token_urlsafe(BYTES)


def scram_verifier(password: str) -> str:
    """What PostgreSQL stores of a password, computed here (RFC 5803 and RFC 7677).

    `CREATE ROLE ... PASSWORD` takes it in place of the password, which therefore never reaches
    the server's log.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ROUNDS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored = _base64(hashlib.sha256(client_key).digest())
    server_key = _base64(hmac.digest(salted, b"Server Key", "sha256"))
    return f"SCRAM-SHA-256${ROUNDS}:{_base64(salt)}${stored}:{server_key}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
