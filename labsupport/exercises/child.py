"""The process that runs one answer: `python -m labsupport.exercises.child`, started by `check`.

The first line on standard input is a letter in JSON. When that input closes, the parent is gone,
and this process ends.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import logging
import os
import sys
import threading
from typing import Any

import cloudpickle

from labsupport.errors import LabError
from labsupport.exercises.bench import Bench, NotYet
from labsupport.exercises.channel import Channel, ParentRefused
from labsupport.exercises.packing import functions_of
from labsupport.exercises.spine import find_task
from labsupport.postgres import Server, ensure_kernel_database

__all__ = ["main"]

ADDRESS_SPACE = 4 * 1024**3
"""Bytes; what is really used is watched by the parent, and bounded much lower."""
BEAT = 0.25


def main() -> None:
    """Read the letter, run the check, tell the verdict, and end at once."""
    letter = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
    _limit_memory()
    # The pools of the checks themselves have something to say whenever a server is stopped.
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)
    channel = Channel(letter["port"], letter["token"])
    # The loop is not closed and nothing is waited for: what the answer left may never end.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    channel.tell(verdict=_verdict(loop, letter, channel))
    sys.stdout.flush()
    os._exit(0)


def _verdict(
    loop: asyncio.AbstractEventLoop, letter: dict[str, Any], channel: Channel
) -> dict[str, Any]:
    try:
        observed = loop.run_until_complete(_run(letter, channel))
    except NotYet as error:
        return {"outcome": "not yet", "message": str(error)}
    except (ParentRefused, LabError) as error:
        return {"broken": str(error)}
    except MemoryError:
        return {"outcome": "not yet", "message": "Your code asked for more memory than there is."}
    except (SystemExit, KeyboardInterrupt) as error:
        message = (
            f"Seen: your code ended the program ({type(error).__name__}). Expected: that it "
            "returns or raises an ordinary exception. Look again at calls such as sys.exit()."
        )
        return {"outcome": "not yet", "message": message}
    except BaseException as error:
        text = " ".join(str(error).split())[:300] or "without a text"
        message = (
            f"Seen: during {channel.stage}, {type(error).__name__} was raised: {text.rstrip('.')}. "
            "Expected: no error. Look again at what is held or still under way at that moment."
        )
        return {"outcome": "not yet", "message": message}
    return {"outcome": "correct", "observed": observed}


async def _run(letter: dict[str, Any], channel: Channel) -> dict[str, Any]:
    server = Server(**letter["server"])
    database = letter["database"] or await ensure_kernel_database(server)
    slowness = await channel.ask("ready", database=database)
    beating = asyncio.create_task(_beat(channel))
    check = find_task(letter["task"]).load_check()
    where = {
        "host": server.host,
        "port": server.port,
        "database": database,
        "user": server.user,
        "password": server.password,
    }
    files: set[str] = set()
    bench = Bench(channel, where, files, slowness)
    # Loaded after the bench has put its watch on time.sleep.
    answer = _load(letter["answer"])
    files |= {function.__code__.co_filename for function in functions_of(answer)}
    observed: dict[str, Any] = await check(answer, bench)
    beating.cancel()
    return observed


def _load(packed: str) -> Any:
    try:
        return cloudpickle.loads(base64.b64decode(packed))
    except Exception as error:
        raise NotYet(
            f"your code could not be loaded in a fresh process ({type(error).__name__}: {error}).",
            "that it needs nothing but its own imports.",
            "what your code takes from the notebook",
        ) from error


async def _beat(channel: Channel) -> None:
    """Show the parent that the event loop is not blocked."""
    while True:
        channel.tell(beat=True)
        await asyncio.sleep(BEAT)


def _end_with_the_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(3)


def _limit_memory() -> None:
    if os.name != "nt":
        resource: Any = importlib.import_module("resource")
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
