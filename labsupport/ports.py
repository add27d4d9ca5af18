"""Ports of loopback: whether one is free, why it is not, and a free one."""

from __future__ import annotations

import os
import socket

__all__ = ["free_port", "is_free", "why_not_free"]


def is_free(port: int) -> bool:
    """Whether a program may listen on this port of loopback; 0 is no port, and so never free."""
    return port != 0 and why_not_free(port) is None


def why_not_free(port: int) -> OSError | None:
    """Return what the system says when one listens on this port of loopback; None if one may.

    It is a `PermissionError` when the port is not for this user, whoever has it.
    """
    with socket.socket() as probe:
        if os.name != "nt":
            # As the server does: a port whose last connections are just being forgotten is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error
    return None


def free_port() -> int:
    """Return a port of loopback on which nobody listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number
