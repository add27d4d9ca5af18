"""The process that serves one shop: `python -m labsupport.service.held`, held by `run_service`.

It reads the shop's class from a file, writes its log into another, listens on loopback on a port
that it says first, and ends in order when its holder lets go of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import uvicorn
from pydantic import ValidationError

from labsupport.pooling import DatabaseSettings
from labsupport.postgres.held_process import listen_to_holder, tell_holder
from labsupport.service.application import make_application
from labsupport.service.names import variable_of

__all__ = ["main"]

LOOK_EVERY = 0.01
END_LIMIT = 3
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _Server(uvicorn.Server):
    """Uvicorn that its holder ends, and no signal."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the holder's business."""
        yield


def main(shop_file: str, log_file: str) -> None:
    """Serve until the holder is done. Says `{"port": N}` first, or `{"error": a sentence}`."""
    logging.basicConfig(filename=log_file, encoding="utf-8", level=logging.INFO, format=LOG_FORMAT)
    try:
        make_shop = cloudpickle.loads(Path(shop_file).read_bytes())
        asyncio.run(_serve(make_shop(DatabaseSettings(_env_file=None))))
    except Exception as error:
        logging.exception("The service did not start")
        tell_holder({"error": f"The service did not start: {_in_words(error)}"})


async def _serve(shop: Any) -> None:
    await shop.open()
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            make_application(shop),
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=END_LIMIT,
        )
        server = _Server(config)
        loop = asyncio.get_running_loop()

        def hear(words: dict[str, Any]) -> None:
            # The holder says nothing; that it hears no more means the end.
            loop.call_soon_threadsafe(setattr, server, "should_exit", True)

        listen_to_holder(hear)
        task = asyncio.create_task(server.serve([door]))
        while not (server.started or task.done()):
            await asyncio.sleep(LOOK_EVERY)
        tell_holder({"port": door.getsockname()[1]})
        await task
    await shop.close()


def _in_words(error: Exception) -> str:
    """The error in one sentence, without the values that were given: one may be the password."""
    if isinstance(error, ValidationError):
        return "; ".join(_wrong_value(each["loc"], each["msg"]) for each in error.errors())
    said = " ".join(str(error).split()) or "the limit was reached"
    return f"{type(error).__name__}: {said}"


def _wrong_value(location: tuple[int | str, ...], message: str) -> str:
    said = message.removeprefix("Value error, ")
    return f"{variable_of(str(location[0]))}: {said}" if location else said


if __name__ == "__main__":
    main(*sys.argv[1:])
