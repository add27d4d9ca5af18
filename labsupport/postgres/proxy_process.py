"""The delay proxy: a process between clients and one server, through which their bytes pass late.

Run by `labsupport.postgres.distance.distant` as `python -m labsupport.postgres.proxy_process HOST
PORT DELAY`, a process of its own so that its work is not taken from the client that is measured.
It listens on a free port of loopback. Its first words are `{"port": ...}`; then it does what its
holder asks for, by the names of the methods of `Orders`, and it ends when its holder is gone.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from labsupport.postgres.held_process import listen_to_holder, tell_holder
from labsupport.postgres.precise_loop import precise_loop
from labsupport.postgres.relay import Relay

__all__ = ["main"]

BACKLOG = 1000


class Orders:
    """What the holder may ask a relay for; each returns what is to be answered."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    def set_delay(self, seconds: float) -> dict[str, Any]:
        """Make each way take so many seconds longer, for what is sent from now on."""
        self._relay.delay = seconds
        return {}

    def counts(self) -> dict[str, Any]:
        """Return what has passed since the start."""
        relay = self._relay
        return {
            "round_trips": [[link.number, link.round_trips] for link in relay.open]
            + [list(ended) for ended in relay.ended],
            "opened": relay.opened,
            "open": len(relay.open),
            "swallowed": relay.swallowed,
        }

    def cut(self) -> dict[str, Any]:
        """Cut all connections."""
        return {"cut": self._relay.cut()}

    def silent(self) -> dict[str, Any]:
        """Let nothing pass."""
        self._relay.silent = True
        return {}

    def speak(self) -> dict[str, Any]:
        """Let what was held back pass, and what comes."""
        self._relay.speak()
        return {}

    def swallow_next(self, marker: str) -> dict[str, Any]:
        """Lose the server's next reply that holds `marker` (hexadecimal)."""
        self._relay.swallow_next(bytes.fromhex(marker))
        return {}

    def start_trace(self) -> dict[str, Any]:
        """Note down what passes from now on."""
        self._relay.start_trace()
        return {}

    def stop_trace(self) -> dict[str, Any]:
        """Return what was noted down."""
        return self._relay.stop_trace()


async def _serve(host: str, port: int, delay: float) -> None:
    relay = Relay(host, port, delay)
    orders = Orders(relay)
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def obey(request: dict[str, Any]) -> None:
        if not request:
            done.set()
            return
        name, number = request.pop("do"), request.pop("number")
        tell_holder({"number": number, **getattr(orders, name)(**request)})

    def hear(request: dict[str, Any]) -> None:
        loop.call_soon_threadsafe(obey, request)

    listener = await loop.create_server(relay.accept, "127.0.0.1", 0, backlog=BACKLOG)
    listen_to_holder(hear)
    tell_holder({"port": listener.sockets[0].getsockname()[1]})
    await done.wait()
    listener.close()
    relay.cut()


def main() -> int:
    """Relay until the holder is gone."""
    host, port, delay = sys.argv[1:]
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        runner.run(_serve(host, int(port), float(delay)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
