"""What a person may type after `python3 -m labsupport`. Wrong usage ends with exit code 2."""

from __future__ import annotations

import argparse
import re

__all__ = ["make_parser"]


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs; `options.verb` is the verb that was chosen."""
    parser = argparse.ArgumentParser(
        prog="python3 -m labsupport",
        description="The Connection Pooling Lab: PostgreSQL connection pooling, measured.",
        epilog="Each verb has its own --help.",
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    _add_lab(verbs)
    _add_test(verbs)
    _add_verb(
        verbs,
        "doctor",
        "check this machine",
        "Checks this machine and says how to mend what is wrong. "
        "Exit code 1 when the lab cannot run here. Installs nothing.",
    )
    _add_measure(verbs)
    _add_render(verbs)
    _add_reset(verbs)
    _add_stop(verbs)
    _add_workshop(verbs)
    return parser


def _add_lab(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    lab = _add_verb(
        verbs,
        "lab",
        "set up, start PostgreSQL and open JupyterLab",
        "Makes .venv the first time, finds or starts PostgreSQL, loads the sample data and opens "
        "JupyterLab on this machine. Ctrl-C ends everything that it started.",
    )
    lab.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    lab.add_argument(
        "--port",
        type=_port,
        metavar="N",
        help="port of JupyterLab (without it: 8888, or a free one if that is taken)",
    )
    lab.add_argument(
        "--workshop",
        action="store_true",
        help="also install what the workshop's notebooks need (requirements-workshop.txt)",
    )


def _add_test(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    test = _add_verb(
        verbs,
        "test",
        "run the tests and every notebook",
        "Sets up .venv with the test tools, then runs the tests and after them every notebook. "
        "Exit code 1 when anything fails.",
    )
    part = test.add_mutually_exclusive_group()
    part.add_argument("--only", choices=("unit", "notebooks"), help="run one of the two parts")
    part.add_argument(
        "--container",
        action="store_true",
        help="instead, run every notebook on the PostgreSQL of docker-compose.yml (needs Docker)",
    )
    part.add_argument(
        "--browser",
        action="store_true",
        help="instead, go through lessons in JupyterLab by a real browser (needs Chromium)",
    )
    part.add_argument(
        "--deep",
        action="store_true",
        help="instead, run what takes long: code broken on purpose, faults under load (20 minutes)",
    )
    part.add_argument(
        "--workshop",
        action="store_true",
        help="instead, run the workshop: thirty participants on one server, the fleet's notebook",
    )


def _add_measure(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    measure = _add_verb(
        verbs,
        "measure",
        "measure connecting each time against a pool",
        "Runs a query with a connection opened for each request and through a pool, in turns, and "
        "says how many times as many requests the pool answers. Ctrl-C ends it and shows what was "
        "measured until then. DB_HOST names another server than the lab's own.",
    )
    measure.add_argument(
        "--concurrency", type=_count, default=10, metavar="N", help="clients at the same time (10)"
    )
    measure.add_argument(
        "--pool-size", type=_count, default=10, metavar="N", help="connections of the pool (10)"
    )
    measure.add_argument(
        "--query",
        type=_query,
        metavar="SQL",
        help="what a request runs (without it: a count of the sample data's users); on a server "
        "that DB_HOST names it runs in the database DB_NAME",
    )
    measure.add_argument(
        "--seconds", type=_seconds, default=8.0, metavar="S", help="time to measure at most (8)"
    )
    measure.add_argument(
        "--json", type=_file, metavar="FILE", help="save the result, seen from the clone"
    )
    measure.add_argument(
        "--plot", type=_picture, metavar="FILE", help="save a picture, FILE.png or FILE.svg"
    )


def _add_render(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    render = _add_verb(
        verbs,
        "render",
        "make HTML pages of the executed lessons",
        "Executes every notebook and writes a page for each, and a front page: the lessons to read "
        "without running them. Exit code 1 when a claim did not hold; its page is there too.",
    )
    render.add_argument(
        "--output",
        default="artefacts/lessons",
        metavar="FOLDER",
        help="where the pages go, seen from the clone (without it: artefacts/lessons)",
    )


def _add_reset(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    reset = _add_verb(
        verbs,
        "reset",
        "get a fresh notebook or fresh databases",
        "Gives a notebook or one exercise as it was published, or makes the lab's databases anew. "
        "Your own version of a notebook is kept in my_work/kept.",
    )
    reset.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="a notebook (01, or 01_why_pooling_matters), an exercise (1.2) or the word database; "
        "without it: list what can be reset",
    )


def _add_stop(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    stop = _add_verb(
        verbs,
        "stop",
        "stop this clone's PostgreSQL",
        "Stops the PostgreSQL servers that this clone started and says which.",
    )
    stop.add_argument(
        "--remove",
        action="store_true",
        help="also delete the servers' data (not your notebooks, not my_work)",
    )


def _add_workshop(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    workshop = _add_verb(
        verbs,
        "workshop",
        "accounts on a shared server, who is there, who has solved what",
        "For instructors. create, status and remove work on the server that DB_HOST names, with a "
        "role that may create roles and databases. INSTRUCTORS.md tells the rest.",
    )
    actions = workshop.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = _add_verb(
        actions,
        "create",
        "make a role, a database and a file .env for each participant",
        "Makes for each participant a role with a connection limit that fits the server, a "
        "database and a file .env with its password. What an earlier call made is kept.",
    )
    create.add_argument(
        "--participants", type=_participants, required=True, metavar="N", help="how many, 1 to 999"
    )
    create.add_argument(
        "--host",
        type=_host,
        metavar="NAME",
        help="the server's address as participants reach it (without it: DB_HOST)",
    )
    status = _add_verb(
        actions,
        "status",
        "show who is connected and how far they are",
        "Shows for each participant the sessions of their limit, whether the lab has begun on "
        "their machine, and which lessons are open; with FOLDER also how many exercises are "
        "solved.",
    )
    status.add_argument("folder", nargs="?", type=_file, metavar="FOLDER", help=_BROUGHT)
    remove = _add_verb(
        actions,
        "remove",
        "remove what create made",
        "Ends the participants' sessions and removes their roles, the databases of their lessons "
        "and their files .env. Touches nothing that `create` and lessons did not make.",
    )
    for action in (create, status, remove):
        action.add_argument(
            "--prefix", type=_prefix, default="workshop", metavar="NAME",
            help="what participants are called: NAME_01, NAME_02 ... (workshop)",
        )  # fmt: skip
    for action in (create, remove):
        action.add_argument(
            "--output", type=_file, default="my_work/workshop", metavar="FOLDER",
            help="where the files .env are, seen from the clone (my_work/workshop)",
        )  # fmt: skip
    progress = _add_verb(
        actions,
        "progress",
        "gather participants' progress and results in one table and one picture",
        "Reads participants' progress.json and the results that they saved, each participant's in "
        "a folder or in files of that name. Exit code 1 when a file could not be read.",
    )
    progress.add_argument("folder", type=_file, metavar="FOLDER", help=_BROUGHT)
    progress.add_argument("--csv", type=_file, metavar="FILE", help="save the table")
    progress.add_argument(
        "--plot", type=_picture, metavar="FILE", help="save the picture, FILE.png or FILE.svg"
    )


_BROUGHT = "participants' files, or a folder for each participant, seen from the clone"


def _add_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    summary: str,
    description: str,
) -> argparse.ArgumentParser:
    return verbs.add_parser(name, help=summary, description=description, allow_abbrev=False)


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port; write a number from 1 to 65535")


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 10000:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 10000")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if 1 <= seconds <= 3600:
        return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 1 to 3600")


def _participants(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 999:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 999")


def _prefix(text: str) -> str:
    if re.fullmatch(r"(?!pg_)[a-z][a-z0-9_]{0,29}", text):
        return text
    raise argparse.ArgumentTypeError(
        f"{text!r} cannot be used; write up to 30 small letters, digits and _, a letter first, "
        "and not pg_"
    )


def _host(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9.:_-]+", text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is no name or address of a machine")


def _query(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError("the query is not valid text") from None
    if text.strip():
        return text
    raise argparse.ArgumentTypeError("the query is empty; write SQL, for example 'SELECT 1'")


def _file(text: str) -> str:
    if text.strip():
        return text
    raise argparse.ArgumentTypeError("the name of the file is empty")


def _picture(text: str) -> str:
    if text.lower().endswith((".png", ".svg")):
        return _file(text)
    raise argparse.ArgumentTypeError(f"{text!r} ends neither in .png nor in .svg")
