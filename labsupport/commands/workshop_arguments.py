"""What an instructor may type after `python3 -m labsupport workshop`."""

from __future__ import annotations

import argparse

from labsupport.commands.parsing import add_verb, file, host, participants, picture, prefix

__all__ = ["add_workshop"]

BROUGHT = "participants' files, or a folder for each participant, seen from the clone"


def add_workshop(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb `workshop` and its actions; `options.action` is the one that was chosen."""
    workshop = add_verb(
        verbs,
        "workshop",
        "accounts on a shared server, who is there, who has solved what",
        "For instructors. create, status and remove work on the server that DB_HOST names, with a "
        "role that may create roles and databases. INSTRUCTORS.md tells the rest.",
    )
    actions = workshop.add_subparsers(dest="action", metavar="ACTION", required=True)
    create, status, remove = _add_create(actions), _add_status(actions), _add_remove(actions)
    for action in (create, status, remove):
        action.add_argument(
            "--prefix", type=prefix, default="workshop", metavar="NAME",
            help="what participants are called: NAME_01, NAME_02 ... (workshop)",
        )  # fmt: skip
    for action in (create, remove):
        action.add_argument(
            "--output", type=file, default="my_work/workshop", metavar="FOLDER",
            help="where the files .env are, seen from the clone (my_work/workshop)",
        )  # fmt: skip
    _add_progress(actions)


def _add_create(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    create = add_verb(
        actions,
        "create",
        "make a role, a database and a file .env for each participant",
        "Makes for each participant a role with a connection limit that fits the server, a "
        "database and a file .env with its password. What an earlier call made is kept.",
    )
    create.add_argument(
        "--participants", type=participants, required=True, metavar="N", help="how many, 1 to 999"
    )
    create.add_argument(
        "--host",
        type=host,
        metavar="NAME",
        help="the server's address as participants reach it (without it: DB_HOST)",
    )
    return create


def _add_status(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    status = add_verb(
        actions,
        "status",
        "show who is connected and how far they are",
        "Shows for each participant the sessions of their limit, whether the lab has begun on "
        "their machine, and which lessons are open; with FOLDER also how many exercises are "
        "solved.",
    )
    status.add_argument("folder", nargs="?", type=file, metavar="FOLDER", help=BROUGHT)
    return status


def _add_remove(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    return add_verb(
        actions,
        "remove",
        "remove what create made",
        "Ends the participants' sessions and removes their roles, the databases of their lessons "
        "and their files .env. Touches nothing that `create` and lessons did not make.",
    )


def _add_progress(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    progress = add_verb(
        actions,
        "progress",
        "gather participants' progress and results in one table and one picture",
        "Reads participants' progress.json and the results that they saved, each participant's in "
        "a folder or in files of that name. Exit code 1 when a file could not be read.",
    )
    progress.add_argument("folder", type=file, metavar="FOLDER", help=BROUGHT)
    progress.add_argument("--csv", type=file, metavar="FILE", help="save the table")
    progress.add_argument(
        "--plot", type=picture, metavar="FILE", help="save the picture, FILE.png or FILE.svg"
    )
