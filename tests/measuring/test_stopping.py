"""The stop button and Ctrl-C: the run ends at once and keeps what it has shown."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from labsupport.errors import LabError
from labsupport.measuring import ClosedLoop, OpenLoop, compare, measure, quiet, sweep
from labsupport.measuring.load import Load

from .conftest import sleeper

LOADS = [ClosedLoop(clients=5, seconds=60.0, warmup=0.0), OpenLoop(100, seconds=60.0, warmup=0.0)]
LIMIT = 30


def interrupt_after(seconds: float) -> None:
    asyncio.get_running_loop().call_later(seconds, signal.raise_signal, signal.SIGINT)


@pytest.mark.parametrize("load", LOADS, ids=["closed", "open"])
async def test_an_interrupt_ends_a_run_and_keeps_what_was_measured(load: Load) -> None:
    before, handler = asyncio.all_tasks(), signal.getsignal(signal.SIGINT)
    interrupt_after(1.0)
    async with asyncio.timeout(LIMIT):
        result = await measure(sleeper(0.02), load, progress=quiet())
    assert result.ended == "stopped"
    assert len(result.latencies) > 5
    assert result.errors == {}
    assert result.throughput > 0
    assert asyncio.all_tasks() == before
    assert signal.getsignal(signal.SIGINT) is handler


async def test_a_request_that_hangs_does_not_hold_up_the_end() -> None:
    calls = 0

    async def request() -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.001 if calls < 100 else 3600)

    interrupt_after(1.0)
    async with asyncio.timeout(LIMIT):
        result = await measure(request, LOADS[0], progress=quiet())
    assert len(result.latencies) == 99
    assert result.errors == {}


async def test_a_comparison_and_a_sweep_that_were_stopped_are_whole() -> None:
    arms = {"a": sleeper(0.02), "b": sleeper(0.01)}
    interrupt_after(1.3)
    async with asyncio.timeout(LIMIT):
        compared = await compare(arms, LOADS[0], precision=0.0001, progress=quiet())
    assert compared.ended == "stopped"
    assert compared.ratio().rounds >= 1
    assert len(compared.table()) == 2
    interrupt_after(2.0)
    async with asyncio.timeout(LIMIT):
        swept = await sweep(arms, [1, 2, 4, 8], seconds=60.0, progress=quiet())
    assert swept.ended == "stopped"
    assert 0 < len(swept.points) <= 8


async def test_an_interrupt_before_anything_was_measured_is_one_sentence() -> None:
    load = ClosedLoop(warmup=60.0)
    interrupt_after(0.5)
    async with asyncio.timeout(LIMIT):
        with pytest.raises(LabError, match="stopped before anything was measured"):
            await measure(sleeper(0.01), load, progress=quiet())


CELL = """
import asyncio
from labsupport.measuring import {load}, measure
async def request():
    await asyncio.sleep(0.01)
print("begun", flush=True)
result = await measure(request, {load}({number}, seconds=60.0, warmup=0.0))
print(result.ended, len(result.latencies) > 10, result.errors)
"""


@pytest.fixture
def kernel(own_lock: Path) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """A real kernel, as a notebook has it, with a measuring lock of its own."""
    places = {name: str(own_lock) for name in ("TMPDIR", "TEMP", "TMP")}
    manager, client = start_new_kernel(
        kernel_name="python3", startup_timeout=60, env=os.environ | places
    )
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(("load", "number"), [("ClosedLoop", "5"), ("OpenLoop", "100")])
def test_the_stop_button_of_a_notebook_keeps_what_was_measured(
    load: str, number: str, kernel: tuple[KernelManager, BlockingKernelClient]
) -> None:
    manager, client = kernel
    printed: list[str] = []

    def output(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])
            if "begun" in printed[-1]:
                threading.Timer(2.0, manager.interrupt_kernel).start()

    reply = client.execute_interactive(
        CELL.format(load=load, number=number), timeout=60, output_hook=output
    )
    assert reply["content"]["status"] == "ok", reply["content"]
    assert "stopped True {}" in "".join(printed)
    assert client.execute_interactive("1 + 1", timeout=30)["content"]["status"] == "ok"
