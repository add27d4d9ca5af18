"""PostgreSQL's messages are named, in whatever pieces they arrive."""

from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labsupport.postgres.messages import Dialogue, Message


def starting(code: int, body: bytes = b"") -> bytes:
    return struct.pack("!II", 8 + len(body), code) + body


def message(letter: str, body: bytes = b"") -> bytes:
    return letter.encode() + struct.pack("!I", 4 + len(body)) + body


STARTUP = starting(196608, b"user\0lab\0\0")
SQL = "SELECT '\u00e4', $1"
QUESTION = message("P", b"name\0" + SQL.encode() + b"\0\0\0") + message("D", b"S\0") + message("S")
ROWS = 50
ANSWER = (
    message("1")
    + message("t", b"\0\0")
    + message("D", b"x" * 300) * ROWS
    + message("C", b"SELECT 50\0")
    + message("Z", b"I")
)
ANSWERED = [
    Message("ParseComplete", "1"),
    Message("ParameterDescription", "t"),
    Message("DataRow", "D", count=ROWS),
    Message("CommandComplete", "C", "SELECT 50"),
    Message("ReadyForQuery", "Z"),
]


def names(messages: list[Message]) -> list[str]:
    return [one.name for one in messages]


def started() -> Dialogue:
    dialogue = Dialogue()
    assert names(dialogue.asked(STARTUP)) == ["StartupMessage"]
    return dialogue


def test_a_question_and_its_answer() -> None:
    dialogue = started()
    asked = dialogue.asked(QUESTION)
    assert names(asked) == ["Parse", "Describe", "Sync"]
    assert asked[0].text == SQL
    assert dialogue.answered(ANSWER) == ANSWERED
    assert dialogue.asked(message("Q", b"BEGIN;\0")) == [Message("Query", "Q", "BEGIN;")]
    assert names(dialogue.asked(message("X"))) == ["Terminate"]


@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, len(ANSWER)), max_size=40))
def test_pieces_make_no_difference(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(ANSWER)]
    dialogue = started()
    found = [
        one
        for start, end in itertools.pairwise(edges)
        for one in dialogue.answered(ANSWER[start:end])
    ]
    counted: dict[str, int] = {}
    for one in found:
        counted[one.name] = counted.get(one.name, 0) + one.count
    assert counted == {one.name: one.count for one in ANSWERED}


def test_every_byte_alone() -> None:
    dialogue = Dialogue()
    stream = STARTUP + QUESTION
    found = [one for byte in stream for one in dialogue.asked(bytes([byte]))]
    assert names(found) == ["StartupMessage", "Parse", "Describe", "Sync"]


@pytest.mark.parametrize(
    ("authentication", "answer"),
    [
        ((10,), "SASLInitialResponse"),
        ((10, 11), "SASLResponse"),
        ((5,), "PasswordMessage"),
        ((3,), "PasswordMessage"),
    ],
)
def test_the_letter_p_is_named_by_what_the_server_asked_for(
    authentication: tuple[int, ...], answer: str
) -> None:
    dialogue = started()
    for kind in authentication:
        dialogue.answered(message("R", struct.pack("!I", kind) + b"more"))
    assert names(dialogue.asked(message("p", b"secret"))) == [answer]
    assert names(dialogue.answered(message("R", struct.pack("!I", 0)))) == ["AuthenticationOk"]


def test_a_refused_encryption_is_followed_by_plain_words() -> None:
    dialogue = Dialogue()
    assert names(dialogue.asked(starting(80877103))) == ["SSLRequest"]
    assert names(dialogue.answered(b"N")) == ["refused"]
    assert names(dialogue.asked(STARTUP)) == ["StartupMessage"]
    assert dialogue.readable


def test_an_accepted_encryption_is_not_read() -> None:
    dialogue = Dialogue()
    dialogue.asked(starting(80877103))
    assert names(dialogue.answered(b"S")) == ["accepted"]
    assert not dialogue.readable
    assert dialogue.asked(b"\x16\x03\x01 anything") == dialogue.answered(b"anything") == []


@pytest.mark.parametrize("stream", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"GET / HTTP/1.1\r\n"])
def test_another_protocol_is_not_read(stream: bytes) -> None:
    dialogue = Dialogue()
    assert dialogue.asked(stream) == []
    assert not dialogue.readable


@given(data=st.lists(st.tuples(st.booleans(), st.binary(max_size=40)), max_size=20))
def test_nonsense_raises_nothing(data: list[tuple[bool, bytes]]) -> None:
    dialogue = Dialogue()
    for to_server, chunk in data:
        (dialogue.asked if to_server else dialogue.answered)(chunk)


def test_a_long_statement_is_cut() -> None:
    said = started().asked(message("Q", b"S" * 5000 + b"\0"))
    assert said[0].text == "S" * 200
