"""A helper process of `measure_in_processes`: it prepares the request and runs its turns.

It is started as `python -m labsupport.measuring.process_child` and ends when its parent has.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import traceback
from time import perf_counter_ns
from typing import Any, BinaryIO

import cloudpickle

from labsupport.measuring.process_link import (
    CLOSED,
    FINISH,
    READY,
    STOP,
    Failed,
    SetUp,
    Turn,
    read_all,
    send,
)
from labsupport.measuring.recording import Record
from labsupport.measuring.slices import run_slice
from labsupport.measuring.stopping import Stop

__all__ = ["main"]


def main() -> None:
    """Serve the parent until it says that this is the end, or is gone."""
    # Ctrl-C is the parent's to handle; it says when to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    incoming, outgoing = _own_pipes()
    asyncio.run(_serve(incoming, outgoing))
    # The thread that reads still holds its pipe, which an orderly end would wait for.
    os._exit(0)


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The parent's pipes, where nothing that a request reads or prints can get between."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return incoming, outgoing


async def _serve(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    loop = asyncio.get_running_loop()
    stop = Stop()
    messages: asyncio.Queue[Any] = asyncio.Queue()

    def take(message: Any) -> None:
        if message == STOP:
            loop.call_soon_threadsafe(stop.ask)
        else:
            loop.call_soon_threadsafe(messages.put_nowait, message)

    def listen() -> None:
        read_all(incoming, take)
        # The parent is gone. Whatever the request does, nobody is left to want it.
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    try:
        await _take_turns(messages, outgoing, stop)
    except Exception as error:
        text = " ".join(str(error).split())
        name = type(error).__name__
        send(outgoing, Failed(f"{name}: {text}" if text else name, traceback.format_exc()))


async def _take_turns(messages: asyncio.Queue[Any], outgoing: BinaryIO, stop: Stop) -> None:
    set_up: SetUp = await messages.get()
    prepare = cloudpickle.loads(set_up.prepare)
    record = Record()
    async with prepare() as request:
        if not callable(request):
            raise TypeError(f"prepare must yield the request, a function; it yields {request!r}.")
        send(outgoing, READY)
        while (message := await messages.get()) != FINISH:
            turn: Turn = message
            await asyncio.sleep(max(0, turn.start - perf_counter_ns()) / 1e9)
            part = await run_slice(
                request,
                set_up.load,
                turn.seconds,
                record if turn.counts else Record(),
                most=turn.most,
                seed=turn.seed,
                stop=stop,
            )
            send(outgoing, part)
        send(outgoing, record)
    send(outgoing, CLOSED)


if __name__ == "__main__":
    main()
