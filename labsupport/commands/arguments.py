"""What a person may type after `python3 -m labsupport`. Wrong usage ends with exit code 2."""

from __future__ import annotations

import argparse

from labsupport.commands.parsing import add_verb, count, file, picture, port, query, seconds
from labsupport.commands.workshop_arguments import add_workshop

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
    add_verb(
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
    add_workshop(verbs)
    return parser


def _add_lab(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    lab = add_verb(
        verbs,
        "lab",
        "set up, start PostgreSQL and open JupyterLab",
        "Makes .venv the first time, finds or starts PostgreSQL, loads the sample data and opens "
        "JupyterLab on this machine. Ctrl-C ends everything that it started.",
    )
    lab.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    lab.add_argument(
        "--port",
        type=port,
        metavar="N",
        help="port of JupyterLab (without it: 8888, or a free one if that is taken)",
    )
    lab.add_argument(
        "--workshop",
        action="store_true",
        help="also install what the workshop's notebooks need (requirements-workshop.txt)",
    )


def _add_test(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    test = add_verb(
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
    measure = add_verb(
        verbs,
        "measure",
        "measure connecting each time against a pool",
        "Runs a query with a connection opened for each request and through a pool, in turns, and "
        "says how many times as many requests the pool answers. Ctrl-C ends it and shows what was "
        "measured until then. DB_HOST names another server than the lab's own.",
    )
    measure.add_argument(
        "--concurrency", type=count, default=10, metavar="N", help="clients at the same time (10)"
    )
    measure.add_argument(
        "--pool-size", type=count, default=10, metavar="N", help="connections of the pool (10)"
    )
    measure.add_argument(
        "--query",
        type=query,
        metavar="SQL",
        help="what a request runs (without it: a count of the sample data's users); on a server "
        "that DB_HOST names it runs in the database DB_NAME",
    )
    measure.add_argument(
        "--seconds", type=seconds, default=8.0, metavar="S", help="time to measure at most (8)"
    )
    measure.add_argument(
        "--json", type=file, metavar="FILE", help="save the result, seen from the clone"
    )
    measure.add_argument(
        "--plot", type=picture, metavar="FILE", help="save a picture, FILE.png or FILE.svg"
    )


def _add_render(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    render = add_verb(
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
    reset = add_verb(
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
    stop = add_verb(
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
