"""The verb `workshop`: accounts on a shared server, who is there, and what they have solved."""

from __future__ import annotations

import argparse
import asyncio
import csv
import ipaddress
from pathlib import Path

from labsupport.commands.columns import columns
from labsupport.errors import cannot_write
from labsupport.exercises.spine import all_tasks
from labsupport.measuring import plot_overlay
from labsupport.places import project_root
from labsupport.postgres import Server
from labsupport.workshop import (
    Gathered,
    Presence,
    create_accounts,
    gather,
    look_around,
    remove_accounts,
    shared_server,
)

__all__ = ["run"]

SIGNS = {"correct": "+", "not yet": "o", "-": "-"}
LEGEND = "+ correct, o not yet, - not tried: a sign for each exercise of a notebook, in its order."
FAILED = 1
ELSEWHERE = "Name a file in a folder that exists and that you may write to."


def run(options: argparse.Namespace) -> int:
    """Do what the action says and return 0, or 1 when something was left or could not be read.

    Raises `LabError` when it cannot be done.
    """
    actions = {"create": _create, "status": _status, "remove": _remove, "progress": _progress}
    return actions[options.action](options)


def _create(options: argparse.Namespace) -> int:
    server, folder = shared_server(), _place(options.output)
    accounts = asyncio.run(
        create_accounts(
            server, options.participants, options.prefix, folder, options.host, report=print
        )
    )
    head = ("participant", "sessions", "account", "file")
    rows = [
        (account.name, str(account.limit), account.what, account.file.name) for account in accounts
    ]
    print(columns(head, rows))
    print(f"\nThe files are in {folder}. Each holds a password: give it to its participant alone,")
    print("who copies it to .env in the clone.")
    if server.ssl_ca:
        print(f"They name {server.ssl_ca}; participants need that file at the same place.")
    if _is_this_machine(options.host or server.host):
        print(
            f"Note: they name {options.host or server.host}, which is each participant's own "
            "machine. If they sit at others, run this again with --host NAME."
        )
    return 0


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.startswith("/")


def _status(options: argparse.Namespace) -> int:
    server = shared_server()
    gathered = None if options.folder is None else gather(_place(options.folder))
    present = asyncio.run(look_around(server, options.prefix))
    if not present:
        print(_nobody(server, options.prefix))
        return 0
    print(_presence_table(present, gathered))
    connected = sum(presence.sessions > 0 for presence in present)
    begun = sum(presence.has_begun for presence in present)
    sessions = sum(presence.sessions for presence in present)
    print(
        f"\n{connected} of {len(present)} participants are connected, with {sessions} sessions; "
        f"the lab has begun on the machines of {begun}."
    )
    if gathered is None:
        return 0
    names = {presence.name for presence in present}
    others = [name for name in gathered.outcomes if name not in names]
    if others:
        print(f"Progress of people who have no account here: {', '.join(others)}.")
    return _name_broken(gathered)


def _presence_table(present: list[Presence], gathered: Gathered | None) -> str:
    head = ["participant", "sessions", "has begun", "open notebooks", "lesson", "last activity"]
    rows = [
        [
            presence.name,
            f"{presence.sessions} of {presence.limit}",
            "yes" if presence.has_begun else "no",
            str(presence.kernels),
            ", ".join(presence.lessons) or "-",
            _ago(presence.quiet_seconds),
        ]
        for presence in present
    ]
    if gathered is not None:
        head.append("solved")
        for row in rows:
            row.append(_solved(gathered, row[0]) if row[0] in gathered.outcomes else "-")
    return columns(head, rows)


def _ago(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if seconds < 120:
        return f"{max(0, seconds):.0f} s ago"
    return f"{seconds / 60:.0f} min ago" if seconds < 7200 else f"{seconds / 3600:.0f} h ago"


def _solved(gathered: Gathered, participant: str) -> str:
    return f"{gathered.solved(participant)} of {len(gathered.outcomes[participant])}"


def _remove(options: argparse.Namespace) -> int:
    server = shared_server()
    removal = asyncio.run(remove_accounts(server, options.prefix, _place(options.output)))
    if removal.roles or removal.databases:
        print(
            f"Removed at {server.address}: {len(removal.roles)} roles, {len(removal.databases)} "
            f"databases and {removal.files} files."
        )
    elif not removal.left:
        print(_nobody(server, options.prefix))
    for sentence in removal.left:
        print(sentence)
    return FAILED if removal.left else 0


def _nobody(server: Server, prefix: str) -> str:
    return f"{server.address} has no accounts {prefix}_01, {prefix}_02 ... of the lab."


def _progress(options: argparse.Namespace) -> int:
    csv_file, plot = (_optional_place(name) for name in (options.csv, options.plot))
    gathered = gather(_place(options.folder))
    if not gathered.outcomes:
        print(f"{_place(options.folder)} holds no progress and no comparison of anybody.")
        _name_broken(gathered)
        return FAILED
    print(_progress_table(gathered))
    print(f"\n{LEGEND}")
    if gathered.room is not None:
        room = gathered.room
        print(
            f"Of {room.participants} comparisons half of the room saw the pool answer at least "
            f"{room.middle:.1f} times as many requests ({room.lowest:.1f} to {room.highest:.1f})."
        )
    for sentence in gathered.aside:
        print(sentence)
    if csv_file is not None:
        _save_table(gathered, csv_file)
    if plot is not None:
        _save_picture(gathered, plot)
    return _name_broken(gathered)


def _progress_table(gathered: Gathered) -> str:
    """A row for each participant with a column for each notebook, and a row for the room."""
    notebooks: dict[str, list[str]] = {}
    for task in all_tasks():
        notebooks.setdefault(task.lesson.split("_")[0], []).append(task.id)
    rows = [
        [
            name,
            *("".join(SIGNS[of[task]] for task in tasks) for tasks in notebooks.values()),
            _solved(gathered, name),
        ]
        for name, of in gathered.outcomes.items()
    ]
    people = gathered.outcomes.values()
    whole = [
        sum(of[task] == "correct" for of in people for task in tasks)
        for tasks in notebooks.values()
    ]
    rows.append(["all", *map(str, whole), str(sum(whole))])
    return columns(["participant", *notebooks, "solved"], rows)


def _save_table(gathered: Gathered, path: Path) -> None:
    tasks = [task.id for task in all_tasks()]
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["participant", *tasks, "correct"])
            for name, of in gathered.outcomes.items():
                writer.writerow([name, *(of[task] for task in tasks), gathered.solved(name)])
    except OSError as error:
        raise cannot_write(str(path), error, ELSEWHERE) from error
    print(f"Saved {path}")


def _save_picture(gathered: Gathered, path: Path) -> None:
    if not gathered.comparisons:
        print("There is no picture, because nobody brought a comparison (measure --json FILE).")
        return
    try:
        plot_overlay(gathered.overlay).savefig(path)
    except OSError as error:
        raise cannot_write(str(path), error, ELSEWHERE) from error
    print(f"Saved {path}")


def _name_broken(gathered: Gathered) -> int:
    for sentence in gathered.broken:
        print(f"Left out: {sentence}")
    return FAILED if gathered.broken else 0


def _place(name: str) -> Path:
    """A file or folder that was named, seen from the clone."""
    return project_root() / Path(name).expanduser()


def _optional_place(name: str | None) -> Path | None:
    return None if name is None else _place(name)
