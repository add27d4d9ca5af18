"""After an hour's pause the lab's server has stopped: a cell says which one to run again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

from labsupport.postgres import ensure_embedded, stop_embedded
from tests.homes import temporary_home

ANSWER_LIMIT = 90
BEGIN = "from labsupport.lessons import begin\nlab = await begin('99')\nimport asyncpg"
ASK = """
conn = await asyncpg.connect(**lab.arguments)
print(await conn.fetchval("SELECT 6 * 7"))
conn.terminate()
"""
OTHER = "import asyncio; await asyncio.open_connection('127.0.0.1', 9)"


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[BlockingKernelClient]:
    """A kernel like a notebook's, with a home of its own."""
    with temporary_home():
        manager, client = start_new_kernel()
        try:
            yield client
        finally:
            manager.shutdown_kernel(now=True)


def said_by(client: BlockingKernelClient, code: str) -> str:
    """Run a cell and return what stands below it, errors included."""
    said: list[str] = []

    def listen(message: dict[str, object]) -> None:
        content = message["content"]
        assert isinstance(content, dict)
        said.append(str(content.get("text", "")))
        said.extend(content.get("traceback", []))

    client.execute_interactive(code, timeout=ANSWER_LIMIT, output_hook=listen)
    return "\n".join(said)


def test_a_stopped_server_is_explained_and_the_first_cell_brings_it_back(
    kernel: BlockingKernelClient,
) -> None:
    assert "Lesson 99 is ready" in said_by(kernel, BEGIN)
    assert "42" in said_by(kernel, ASK)
    stop_embedded()
    said = said_by(kernel, ASK)
    assert "Run the first cell of this notebook again" in said
    assert "Traceback" not in said and "ConnectionRefusedError" not in said
    assert "Lesson 99 is ready" in said_by(kernel, BEGIN)
    assert "42" in said_by(kernel, ASK)


def test_another_refusal_keeps_its_traceback(kernel: BlockingKernelClient) -> None:
    said_by(kernel, BEGIN)
    assert ensure_embedded()
    assert "ConnectionRefusedError" in said_by(kernel, OTHER)
    stop_embedded()
