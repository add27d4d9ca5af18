"""Files of the state that are lost, half-written or changed by hand: a sample of the cases.

All cases, and those that need a server made anew, are in tests/deep.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport.commands.labs import other_labs, registered
from labsupport.postgres import ensure_embedded
from labsupport.postgres.status import STATUS, me, read_status, write_status
from tests.bad_input.spoiling import HOPELESS, MENDED, check_is_said, check_mended
from tests.homes import temporary_home


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """A home whose server has been made."""
    with temporary_home() as folder:
        ensure_embedded(settings={})
        yield folder


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"port": 5432, "superv',
        "[]",
        "5432",
        '{"port": 5432}',
        '{"port": 5432, "supervisor": {"pid": "x", "started": 1}}',
        '{"port": 5432, "supervisor": {"pid": 1e400, "started": 1}}',
        '{"port": "abc", "supervisor": MYSELF}',
        '{"port": 99999, "supervisor": MYSELF}',
    ],
)
def test_a_note_about_a_server_that_is_spoilt_is_no_note(tmp_path: Path, text: str) -> None:
    note = tmp_path / STATUS
    note.write_text(text.replace("MYSELF", json.dumps(me())), encoding="utf-8")
    assert read_status(tmp_path) is None
    write_status(tmp_path, 5432)
    assert read_status(tmp_path) == {"port": 5432, "supervisor": me()}


@pytest.mark.parametrize("case", ["note without port", "name changed"])
def test_what_can_be_made_again_is(state: Path, case: str) -> None:
    check_mended(state, MENDED[case])


@pytest.mark.parametrize("case", ["half-written", "others while stopped"])
def test_what_cannot_be_made_again_is_said(state: Path, case: str) -> None:
    check_is_said(state, HOPELESS[case])


def test_notes_of_labs_that_are_none_are_passed_over(state: Path) -> None:
    with registered():
        for name, text in {"1.json": "", "2.json": "[]", "3.json": '{"pid": "x"}'}.items():
            (state / "labs" / name).write_text(text, encoding="utf-8")
        assert other_labs() == []
