"""The entry of all verbs: check Python, read the arguments, set up `.venv`, run the verb in it."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from types import FrameType

from labsupport.commands.arguments import make_parser
from labsupport.commands.bootstrap import (
    BROWSER,
    LEARNER,
    TESTER,
    WORKSHOP,
    Needs,
    check_python,
    clone_folder,
    ensure_venv,
    packages_are_here,
    runs_inside,
    set_up_for_anyone,
    venv_python,
)
from labsupport.commands.child import LAUNCHER_VARIABLE, run_child
from labsupport.commands.failures import guarded
from labsupport.errors import LabError

__all__ = ["main"]

SETS_UP = {
    "lab": LEARNER,
    "test": TESTER,
    "render": WORKSHOP,
    "measure": LEARNER,
    "workshop": LEARNER,
}
MODULES = {"test": "run_tests"}


def main(arguments: list[str]) -> int:
    """Run what `arguments` ask for and return the exit code: 0, 1 (failed), 2 (usage) or 130."""
    for stream in (sys.stdout, sys.stderr):
        # A console that cannot write a letter of a path must not stop the lab.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    return guarded(lambda: _main(arguments))


def _main(arguments: list[str]) -> int:
    launcher = os.environ.pop(LAUNCHER_VARIABLE, None)
    if launcher is None:
        check_python(sys.version_info[:3], _say)
    options = make_parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    if launcher is not None:
        from labsupport.commands.watching import watch_launcher

        watch_launcher(int(launcher))
        return _run_here(options)
    root = clone_folder()
    python = _choose_python(options.verb, _needs(options), root)
    if python is None:
        return _run_here(options)
    return run_child(python, root, arguments)


def _needs(options: argparse.Namespace) -> Needs | None:
    """Return what set-up has to install for the verb, or None if it sets nothing up."""
    if options.verb == "test" and options.browser:
        return BROWSER
    if options.verb == "lab" and options.workshop:
        return WORKSHOP
    return SETS_UP.get(options.verb)


def _choose_python(verb: str, needs: Needs | None, root: str) -> str | None:
    """Return the Python to run the verb in, or None to run it in this process."""
    inside = runs_inside(root)
    if needs is not None:
        python = ensure_venv(root, needs, _say)
        importlib.invalidate_caches()
        return None if inside else python
    if inside or (verb == "doctor" and not set_up_for_anyone(root)):
        return None
    if set_up_for_anyone(root):
        return venv_python(root)
    if packages_are_here():
        return None
    raise LabError(
        "The lab has not been set up in this clone, so there is nothing to "
        f"{verb}. Set it up and start it with: python3 -m labsupport lab"
    )


def _run_here(options: argparse.Namespace) -> int:
    module = importlib.import_module(
        f"labsupport.commands.{MODULES.get(options.verb, options.verb)}"
    )
    return int(module.run(options))


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
