"""After an hour's pause the lab's server has stopped: a cell says which one to run again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labsupport.postgres import ensure_embedded, stop_embedded
from tests.homes import temporary_home
from tests.lessons.kernels import BEGIN, Kernel, a_kernel

ASK = """
conn = await asyncpg.connect(**lab.arguments)
print(await conn.fetchval("SELECT 6 * 7"))
conn.terminate()
"""
OTHER = "import asyncio; await asyncio.open_connection('127.0.0.1', 9)"


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    """A kernel like a notebook's, with a home of its own."""
    with temporary_home(), a_kernel() as kernel:
        yield kernel


def test_a_stopped_server_is_explained_and_the_first_cell_brings_it_back(
    kernel: Kernel,
) -> None:
    assert "Lesson 99 is ready" in kernel.said(BEGIN)
    assert "42" in kernel.said(ASK)
    stop_embedded()
    said = kernel.said(ASK)
    assert "Run the first cell of this notebook again" in said
    assert "Traceback" not in said and "ConnectionRefusedError" not in said
    assert "Lesson 99 is ready" in kernel.said(BEGIN)
    assert "42" in kernel.said(ASK)


def test_another_refusal_keeps_its_traceback(kernel: Kernel) -> None:
    kernel.said(BEGIN)
    assert ensure_embedded()
    assert "ConnectionRefusedError" in kernel.said(OTHER)
    stop_embedded()
