"""The messages of PostgreSQL's protocol, read from the bytes that a client and a server exchange.

Only their names are needed, and the SQL text of some, so no message is read to its end. The
format is that of "Message Formats" in PostgreSQL's manual: a letter, four bytes of length that
count themselves, the body. The first message of a client has no letter.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

__all__ = ["Dialogue", "Message"]

TEXT_LIMIT = 200
STARTING_LIMIT = 10_000
HEADER = 5
NEEDED = 9
"""Bytes by which every message can be named: letter, length, and the kind of an authentication."""

STARTING = {80877102: "CancelRequest", 80877103: "SSLRequest", 80877104: "GSSENCRequest"}
FRONTEND = {
    "B": "Bind", "C": "Close", "D": "Describe", "E": "Execute", "F": "FunctionCall", "H": "Flush",
    "P": "Parse", "Q": "Query", "S": "Sync", "X": "Terminate", "c": "CopyDone", "d": "CopyData",
    "f": "CopyFail",
}  # fmt: skip
BACKEND = {
    "1": "ParseComplete", "2": "BindComplete", "3": "CloseComplete", "A": "NotificationResponse",
    "C": "CommandComplete", "D": "DataRow", "E": "ErrorResponse", "G": "CopyInResponse",
    "H": "CopyOutResponse", "I": "EmptyQueryResponse", "K": "BackendKeyData",
    "N": "NoticeResponse", "S": "ParameterStatus", "T": "RowDescription",
    "V": "FunctionCallResponse", "W": "CopyBothResponse", "Z": "ReadyForQuery", "c": "CopyDone",
    "d": "CopyData", "n": "NoData", "s": "PortalSuspended", "t": "ParameterDescription",
    "v": "NegotiateProtocolVersion",
}  # fmt: skip
AUTHENTICATION = {
    0: "AuthenticationOk", 3: "AuthenticationCleartextPassword", 5: "AuthenticationMD5Password",
    10: "AuthenticationSASL", 11: "AuthenticationSASLContinue", 12: "AuthenticationSASLFinal",
}  # fmt: skip
ANSWER_TO = {10: "SASLInitialResponse", 11: "SASLResponse"}
"""What a client's message "p" is, by the authentication that the server has asked for."""


@dataclass(frozen=True)
class Message:
    """One message, or several of one kind that follow each other."""

    name: str
    """Its name in PostgreSQL's manual, such as Parse, Bind, ReadyForQuery."""
    letter: str
    """The letter with which it begins; empty for a client's first message."""
    text: str = ""
    """The SQL of a Query or Parse, the tag of a CommandComplete; at most 200 characters."""
    count: int = 1
    """How many of this kind follow each other, such as the rows of an answer."""


class Dialogue:
    """What the two ends of one connection say, from its first byte on."""

    def __init__(self) -> None:
        self.readable = True
        """False once the connection is encrypted, or speaks something else than PostgreSQL."""
        self._starting = True
        self._one_letter_due = False
        self._authentication = 0
        self._to_server = _Framing()
        self._to_client = _Framing()

    def asked(self, data: bytes) -> list[Message]:
        """Return the messages that begin in `data`, the next bytes that the client has sent."""
        if not self.readable:
            return []
        said = self._first_words(data) if self._starting else self._requests(data)
        return _summed(list(said))

    def answered(self, data: bytes) -> list[Message]:
        """Return the messages that begin in `data`, the next bytes that the server has sent."""
        said = []
        if self._one_letter_due and data:
            self._one_letter_due = False
            self.readable = data[:1] == b"N"
            said = [Message("refused" if self.readable else "accepted", data[:1].decode("latin-1"))]
            data = data[1:]
        if self.readable:
            said += self._replies(data)
        return _summed(said)

    def _first_words(self, data: bytes) -> Iterator[Message]:
        """The messages without a letter, and what follows the last of them in the same bytes."""
        self._to_server.add(data)
        while self._starting and (start := self._to_server.next(header=4, needed=8)) is not None:
            length, code = struct.unpack_from("!II", start)
            if not 8 <= length <= STARTING_LIMIT:
                self.readable = False
                return
            name = STARTING.get(code, "StartupMessage")
            self._one_letter_due = name in ("SSLRequest", "GSSENCRequest")
            self._starting = self._one_letter_due
            yield Message(name, "")
        if not self._starting:
            yield from self._requests(b"")

    def _requests(self, data: bytes) -> Iterator[Message]:
        self._to_server.add(data)
        while (start := self._to_server.next()) is not None:
            letter = chr(start[0])
            if letter == "p":
                yield Message(ANSWER_TO.get(self._authentication, "PasswordMessage"), "p")
            elif letter in FRONTEND:
                yield Message(FRONTEND[letter], letter, _text(start) if letter in "PQ" else "")
            else:
                self.readable = False
                return

    def _replies(self, data: bytes) -> Iterator[Message]:
        self._to_client.add(data)
        while (start := self._to_client.next()) is not None:
            letter = chr(start[0])
            if letter == "R":
                (self._authentication,) = struct.unpack_from("!I", start, HEADER)
                yield Message(AUTHENTICATION.get(self._authentication, "Authentication"), "R")
            elif letter in BACKEND:
                yield Message(BACKEND[letter], letter, _text(start) if letter == "C" else "")
            else:
                self.readable = False
                return


class _Framing:
    """Where messages begin in a stream of bytes that arrives in pieces."""

    def __init__(self) -> None:
        self._held = b""
        self._at = 0
        """Where the next message begins in `_held`, or how far beyond its end."""

    def add(self, data: bytes) -> None:
        self._at, held = max(0, self._at - len(self._held)), self._held[self._at :]
        self._held = held + data

    def next(self, header: int = HEADER, needed: int = NEEDED) -> bytes | None:
        """The beginning of the next message, as far as it is there and of use.

        None until `needed` bytes of it, or all, have arrived. `header` is the length of what
        comes before the body.
        """
        there = len(self._held) - self._at
        if there < header:
            return None
        (length,) = struct.unpack_from("!I", self._held, self._at + header - 4)
        whole = header - 4 + max(length, 4)
        if there < min(needed, whole):
            return None
        start = self._held[self._at : self._at + min(whole, NEEDED + TEXT_LIMIT)]
        self._at += whole
        return start


def _text(start: bytes) -> str:
    """The text of a Query, Parse or CommandComplete; without the name of a Parse's statement."""
    words = start[HEADER:].split(b"\0")
    said = words[1] if start[:1] == b"P" and len(words) > 1 else words[0]
    return said.decode("utf-8", errors="replace")[:TEXT_LIMIT]


def _summed(messages: list[Message]) -> list[Message]:
    """The same with those of one kind that follow each other counted; the first keeps its text."""
    groups = [list(group) for _, group in itertools.groupby(messages, lambda one: one.name)]
    return [replace(group[0], count=len(group)) for group in groups]
