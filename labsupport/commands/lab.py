"""The verb `lab`: PostgreSQL first, then JupyterLab, and on Ctrl-C both back in order."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import time
from types import FrameType

import filelock

from labsupport.commands.checks import check_clone
from labsupport.commands.jupyter import JupyterLab
from labsupport.commands.labs import (
    note_started_servers,
    other_labs,
    port_turn,
    registered,
    running_servers,
    started_by_a_lab,
)
from labsupport.commands.ports import check_port, has_desktop
from labsupport.commands.preparing import prepare_postgres
from labsupport.commands.pristine import keep_pristine_copies
from labsupport.errors import LabError
from labsupport.postgres import (
    Server,
    embedded_status,
    find_server,
    inspect_server,
    stop_embedded,
)

__all__ = ["run"]

SESSIONS_END_LIMIT = 3.0


def run(options: argparse.Namespace) -> int:
    """Run the lab until Ctrl-C and return 0. Raises `LabError` when it cannot start."""
    check_port(options.port)
    _refuse_a_clone_that_keeps_nothing()
    ending = _Ending()
    ending.take_signals()
    keep_pristine_copies()
    server = None
    before = running_servers()
    try:
        with registered():
            try:
                server = asyncio.run(prepare_postgres(_say))
            finally:
                # A start that Ctrl-C met is finished in its thread, so it is known only here.
                note_started_servers(running_servers() - before)
            _say("Starting JupyterLab ...")
            turn = port_turn()
            # Whoever holds it for so long does not start; the port is tried all the same.
            with contextlib.suppress(filelock.Timeout):
                turn.acquire()
            lab = JupyterLab(options.port, not options.no_browser and has_desktop())
            # JupyterLab has put its own handlers, which would ask before they end.
            ending.take_signals(lab)
            lab.run(lambda: _announce(lab, turn))
    except KeyboardInterrupt:
        pass  # It came before JupyterLab listened, so that only PostgreSQL is left to end.
    finally:
        ending.begin()
        # A notebook's first cell starts the server again when it has stopped meanwhile.
        note_started_servers(running_servers() - before)
        asyncio.run(_give_back_postgres(server))
    _say("Everything that this lab started has ended.")
    ending.ignore_signals()
    return 0


def _refuse_a_clone_that_keeps_nothing() -> None:
    """Raise `LabError` when notebooks could be run here, but not saved."""
    clone = check_clone()
    if clone.state == "not ok":
        raise LabError(f"{clone.detail} {clone.mend}")


class _Ending:
    """Makes the first signal begin an orderly end; any further one changes nothing."""

    def __init__(self) -> None:
        self._begun = False
        self._lab: JupyterLab | None = None

    def take_signals(self, lab: JupyterLab | None = None) -> None:
        """Handle the signals from now on; with `lab`, end it instead of raising."""
        self._lab = lab
        for number in _ending_signals():
            signal.signal(number, self._handle)

    def begin(self) -> None:
        """The end has begun, with a signal or without one."""
        self._begun = True

    def ignore_signals(self) -> None:
        """Let no late Ctrl-C turn the end of this process into a failure."""
        for number in _ending_signals():
            signal.signal(number, signal.SIG_IGN)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._begun:
            return
        self._begun = True
        if self._lab is None:
            raise KeyboardInterrupt
        self._lab.end(first=lambda: _say("\nEnding JupyterLab and its kernels ..."))


def _ending_signals() -> list[signal.Signals]:
    """Return those that this platform has; a closed terminal sends SIGHUP."""
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


async def _give_back_postgres(server: Server | None) -> None:
    """Stop the embedded server if a lab started it and nobody uses it; else say why not."""
    if not running_servers() or (server is not None and server.where != "embedded"):
        return
    others = other_labs()
    if others:
        _say(f"PostgreSQL is left running for another lab of this clone (process {others[0]}).")
    elif not started_by_a_lab():
        _say("PostgreSQL ran before this lab and is left running; `stop` stops it.")
    elif sessions := await _sessions_of_others(await _as_it_runs(server)):
        _say(
            f"PostgreSQL is left running: other programs hold {sessions} session(s) on it. It "
            "stops by itself an hour after the last has ended, or with `stop`."
        )
    else:
        for sentence in stop_embedded().stopped:
            _say(f"Stopped {sentence}.")


async def _as_it_runs(server: Server | None) -> Server:
    """Return the embedded server where it is now: one that was started again may have moved."""
    if server is not None and server.address in {status.address for status in embedded_status()}:
        return server
    return await find_server(_say)


async def _sessions_of_others(server: Server) -> int:
    """Return how many sessions others hold, once those of ended kernels have gone."""
    deadline = time.monotonic() + SESSIONS_END_LIMIT
    while True:
        sessions = (await inspect_server(server)).sessions - 1
        if sessions <= 0 or time.monotonic() > deadline:
            return max(sessions, 0)
        await asyncio.sleep(0.2)


def _announce(lab: JupyterLab, turn: filelock.BaseFileLock) -> None:
    turn.release()
    _say(
        "\nThe lab is ready. Open this address in a browser, if none has opened by itself:\n\n"
        f"    {lab.url}\n\n"
        "Press Ctrl-C here to end the lab."
    )


def _say(text: str) -> None:
    # The terminal may have been closed; the lab still ends in order.
    with contextlib.suppress(OSError):
        print(text, flush=True)
