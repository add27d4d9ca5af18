"""What runs inside each process of a fleet: an event loop that lives from call to call.

`fleet` sends the text of this file to its processes and runs it there, so that they do not have to
import what notebooks need and they do not.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from types import SimpleNamespace

import cloudpickle

__all__ = ["run_here"]

KEPT = SimpleNamespace()
"""What the coroutines of this process keep; `number` is set by the first call."""


def run_here(number: int, packed: bytes, limit: float) -> bytes:
    """Run a coroutine function that `Fleet.run` has packed, and return its answer, packed.

    Raises what it raises, and TimeoutError after `limit` seconds.
    """
    work, arguments = cloudpickle.loads(packed)
    KEPT.number = number
    bounded = asyncio.wait_for(work(KEPT, *arguments), limit)
    answer: bytes = cloudpickle.dumps(asyncio.run_coroutine_threadsafe(bounded, _loop()).result())
    return answer


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    """The loop, in a thread of its own: a pool lives in it, and the engine has one for itself."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop
