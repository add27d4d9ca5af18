"""How the child asks its parent: one line of JSON there, one back, over loopback.

A plain socket and not a stream of the event loop: the verdict must also get through when the
answer has ended or spoilt the loop.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from typing import Any

__all__ = ["Channel", "ParentRefused"]

REPLY_LIMIT = 15


class ParentRefused(Exception):
    """The parent could not do what was asked: the check is broken, and not the answer."""


class Channel:
    """The child's end."""

    def __init__(self, port: int, token: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=REPLY_LIMIT)
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._writing = threading.Lock()
        self._asking = threading.Lock()
        self.stage = "loading your code"
        """What was being done last."""
        self.tell(token=token)

    def tell(self, **message: Any) -> None:
        """Send something that needs no reply."""
        self.stage = message.get("stage", self.stage)
        with self._writing:
            self._socket.sendall(json.dumps(message, default=str).encode() + b"\n")

    async def ask(self, op: str, **message: Any) -> Any:
        """Send a request and return the reply. Raises `ParentRefused`."""
        return await asyncio.to_thread(self._ask, op, message)

    def _ask(self, op: str, message: dict[str, Any]) -> Any:
        with self._asking:
            self.tell(op=op, **message)
            reply = json.loads(self._lines.readline() or '{"error": "the parent has gone"}')
        if "error" in reply:
            raise ParentRefused(reply["error"])
        return reply["value"]
