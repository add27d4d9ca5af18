"""A room of people at once: real notebook kernels run one lesson on one shared server.

    python -m tests.workshop.kernels --participants 30 notebooks/01_why_pooling_matters.ipynb

Makes a throwaway server that has room for so many, and accounts on it as `workshop create` does.
Then each participant's kernel runs the notebook with the settings of their file, and with a folder
and a measuring lock of their own, as on a machine of their own. All of them share the processors
of this machine, though, so that a lesson takes longer here, and claims about speed may fail: they
are counted. Exit code 1 when a notebook did not get to its last cell, or somebody had more
sessions than a lesson may have.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from labsupport.postgres import own_server, read_settings
from labsupport.workshop import Account, create_accounts, plan_capacity, remove_accounts
from tests.homes import temporary_home
from tests.workshop.room import Looker, as_superuser

__all__ = ["Outcome", "run"]

CELL_LIMIT = 900
"""Seconds that a cell may take: thirty lessons on two processors take their time."""
START_LIMIT = 300
MOST_SESSIONS = 20
FAILED_CLAIM = "[DOES NOT HOLD] "


@dataclass
class Outcome:
    """How the notebook of one participant went."""

    seconds: float = 0.0
    failed: list[str] = field(default_factory=list)
    """The claims that did not hold."""
    broken: str = ""
    """What a cell raised, if it was not the last one."""


async def take_part(account: Account, notebook: Path, folder: Path, cell_limit: int) -> Outcome:
    """Run a notebook in a kernel of its own, as the participant of this account."""
    home = folder / account.file.stem
    home.mkdir()
    own = {**read_settings({}, account.file), "LAB_HOME": str(home), "TMPDIR": str(home)}
    book = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(
        book, timeout=cell_limit, startup_timeout=START_LIMIT, kernel_name="python3",
        resources={"metadata": {"path": str(notebook.parent)}},
    )  # fmt: skip
    outcome, start = Outcome(), time.perf_counter()
    try:
        await client.async_execute(env={**os.environ, **own})
    except CellExecutionError as error:
        if error.ename != "LessonFailed":
            outcome.broken = f"{error.ename}: {error.evalue}, in cell {failed_cell(book)}"
    except (CellTimeoutError, DeadKernelError) as error:
        outcome.broken = f"{type(error).__name__}: {error}"
    outcome.seconds = time.perf_counter() - start
    outcome.failed = [line for line in printed(book) if line.startswith(FAILED_CLAIM)]
    return outcome


def failed_cell(book: nbformat.NotebookNode) -> str:
    """The name of the cell that raised."""
    failed = [
        cell.id
        for cell in book.cells
        if any(output.output_type == "error" for output in cell.get("outputs", []))
    ]
    return ", ".join(failed)


def printed(book: nbformat.NotebookNode) -> list[str]:
    """The lines that the cells printed or showed as plain text."""
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    texts = [one.get("text") or one.get("data", {}).get("text/plain", "") for one in outputs]
    return [line for text in texts for line in text.splitlines()]


async def run(people: int, notebook: Path, cell_limit: int = CELL_LIMIT) -> int:
    """Let everybody run the notebook at once and print how it went."""
    with temporary_home() as folder:
        # 3 sessions are PostgreSQL's own default of what it keeps for superusers.
        needed = plan_capacity(max_connections=0, reserved=3, participants=people).needed
        async with own_server(max_connections=needed) as own:
            server = as_superuser(own)
            accounts = await create_accounts(server, people, "workshop", folder / "handed_out")
            looker, ended = Looker(server), asyncio.Event()
            looking = asyncio.create_task(looker.look(ended))
            try:
                outcomes = await asyncio.gather(
                    *(take_part(account, notebook, folder, cell_limit) for account in accounts)
                )
            finally:
                ended.set()
                await looking
            left = (await remove_accounts(server, "workshop", folder / "handed_out")).left
    show(outcomes, looker)
    most = max(looker.most_of_one.values())
    return int(any(one.broken for one in outcomes) or most > MOST_SESSIONS or bool(left))


def show(outcomes: list[Outcome], looker: Looker) -> None:
    """Print what was seen."""
    seconds = sorted(outcome.seconds for outcome in outcomes)
    print(f"{len(outcomes)} kernels, {os.cpu_count()} processors")
    print(
        f"  to the end: {sum(not one.broken for one in outcomes)}, "
        f"in {seconds[0]:.0f} to {seconds[-1]:.0f} s (median {seconds[len(seconds) // 2]:.0f} s)"
    )
    print(
        f"  sessions: {looker.most_of_all} at most on the server, "
        f"{max(looker.most_of_one.values())} of one participant, "
        f"{looker.most_at_once} participants at the same moment"
    )
    claims = Counter(line.split(" Seen:")[0] for one in outcomes for line in one.failed)
    for claim, count in claims.most_common():
        print(f"  in {count}: {claim}")
    for broken, count in Counter(one.broken for one in outcomes if one.broken).items():
        print(f"  in {count}: {broken}")


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--participants", type=int, default=30)
    options = parser.parse_args()
    return asyncio.run(run(options.participants, options.notebook.resolve()))


if __name__ == "__main__":
    sys.exit(main())
