"""Errors of a notebook for which there is a better text than their own: who says it, and when."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

from labsupport.errors import LabError
from labsupport.lessons import stop_button, stopped_server
from labsupport.postgres import Server

__all__ = ["explain_errors"]

_stop_button = stop_button.StopButton()
"""One for the kernel, because a process has one place for what wakes it."""


def explain_errors(server: Server) -> None:
    """From now on a cell that was stopped, or whose server has stopped, says what to do next.

    Every other error keeps its traceback. Nothing changes outside a notebook.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        return

    def show(
        shell: Any,
        kind: type[BaseException],
        error: BaseException,
        traceback: TracebackType | None,
        tb_offset: int | None = None,
    ) -> None:
        better: LabError | None = None
        if isinstance(error, stop_button.SIGNS):
            better = _stop_button.explanation(error)
        elif server.where == "embedded":
            better = stopped_server.explanation(server)
        if better is not None:
            kind, error = LabError, better
        shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)

    shell.set_custom_exc((*stopped_server.SIGNS, *stop_button.SIGNS), show)
    shell.events.register("pre_run_cell", _stop_button.forget)
    _stop_button.listen()
