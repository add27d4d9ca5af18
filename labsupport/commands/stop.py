"""The verb `stop`: end this clone's PostgreSQL, and with `--remove` delete its data."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
from pathlib import Path

from labsupport.commands.labs import other_labs
from labsupport.errors import LabError
from labsupport.places import APPLICATION, state_folder
from labsupport.postgres import stop_embedded

__all__ = ["remove_state", "run"]

OURS = (
    "servers",
    "own",
    "pgbouncer",
    "programs",
    "labs",
    "jupyter",
    "pristine",
    "logs",
    "clone_name",
)


def run(options: argparse.Namespace) -> int:
    """Stop the servers, say which, and return 0."""
    labs = other_labs()
    if labs and options.remove:
        raise LabError(
            f"A lab of this clone is running (process {labs[0]}). End it with Ctrl-C, "
            "then remove its data."
        )
    stopped = stop_embedded().stopped
    for sentence in stopped:
        print(f"Stopped {sentence}.")
    if not stopped:
        print("No PostgreSQL of this clone was running.")
    if options.remove:
        print(remove_state(state_folder()))
    return 0


def remove_state(folder: Path) -> str:
    """Delete what the lab has put into its state folder and say what was deleted.

    Only names that are the lab's go: LAB_HOME may point at a folder with other things in it.
    Raises `LabError` when something cannot be deleted.
    """
    found = [folder / name for name in OURS if (folder / name).exists()]
    if not found:
        return f"There is nothing to delete in {folder}."
    try:
        for path in found:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        if not os.listdir(folder):
            # It stays, empty, where a disk is mounted on it or the folder above is not ours.
            with contextlib.suppress(OSError):
                folder.rmdir()
                if folder.parent.name == APPLICATION:
                    folder.parent.rmdir()  # Refused while another clone has its state there.
    except OSError as error:
        raise LabError(
            f"{error.filename} could not be deleted ({error.strerror}). "
            "End the programs that use it and try again."
        ) from error
    return f"Deleted {', '.join(path.name for path in found)} in {folder}."
