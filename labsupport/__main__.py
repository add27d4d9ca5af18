"""The lab's commands: `python3 -m labsupport lab`, and `--help` for the others.

This module and what it imports before `.venv` exists use the standard library only and parse on
Python 3.8, so that an old Python gets a sentence and not a SyntaxError.
"""

from __future__ import annotations

import sys

from labsupport.commands.launcher import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
