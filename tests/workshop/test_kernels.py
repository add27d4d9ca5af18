"""Real kernels run the whole of lesson 01 on one server, with the files that were handed out.

`test_thirty_participants` has thirty of the lesson's main parts at once; thirty whole lessons take
two processors four minutes: `python -m tests.workshop.kernels --participants 30 NOTEBOOK`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workshop.kernels import run

PEOPLE = 4
LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "01_why_pooling_matters.ipynb"


@pytest.mark.timeout(500)
async def test_a_few_whole_lessons_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    code = await run(PEOPLE, LESSON, cell_limit=200)
    said = capsys.readouterr().out
    assert code == 0, said
    assert f"to the end: {PEOPLE}, " in said
    assert f" {PEOPLE} participants at the same moment" in said
