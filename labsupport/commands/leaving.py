"""Leave PostgreSQL as it was found: what a verb has started for itself it also stops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from labsupport.commands.labs import other_labs, running_servers
from labsupport.postgres import stop_embedded

__all__ = ["server_left_as_found"]


@contextmanager
def server_left_as_found() -> Iterator[None]:
    """Stop the embedded server after the block, if it was started inside and no lab uses it."""
    before = running_servers()
    try:
        yield
    finally:
        if running_servers() - before and not other_labs():
            stop_embedded()
