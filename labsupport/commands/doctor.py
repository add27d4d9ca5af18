"""The verb `doctor`: the checks of this machine as a table."""

from __future__ import annotations

import argparse
import asyncio
import textwrap

from labsupport.commands.bootstrap import packages_are_here
from labsupport.commands.checks import Check, machine_checks, run_checks

__all__ = ["run", "table"]

WIDTH = 96
INDENT = 22


def run(options: argparse.Namespace) -> int:
    """Print the checks; returns 1 when one says that the lab cannot run here."""
    checks = _all_checks() if packages_are_here() else machine_checks()
    print(table(checks))
    wrong = sum(check.state == "not ok" for check in checks)
    if wrong:
        print(f"\n{wrong} of {len(checks)} checks say that the lab cannot run here yet.")
        return 1
    print("\nThe lab can run on this machine. Start it with: python3 -m labsupport lab")
    return 0


def table(checks: list[Check]) -> str:
    """Return the checks as lines of text, each with what to do where something is wrong."""
    lines = []
    for check in checks:
        text = f"{check.detail} {check.mend}".strip()
        lines.append(
            textwrap.fill(
                text,
                WIDTH,
                initial_indent=f"{check.state:<8}{check.name:<{INDENT - 8}}",
                subsequent_indent=" " * INDENT,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
    return "\n".join(lines)


def _all_checks() -> list[Check]:
    # Only there when the packages are.
    from labsupport.commands.leaving import server_left_as_found

    with server_left_as_found():
        return asyncio.run(run_checks())
