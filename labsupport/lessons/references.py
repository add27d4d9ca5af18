"""Recorded results of another machine, drawn in grey behind the learner's own."""

from __future__ import annotations

from pathlib import Path

from labsupport.places import project_root

__all__ = ["reference"]


def reference(name: str) -> Path:
    """Return the file of the recorded result `name`; `data/reference/README.md` says what it is."""
    return project_root() / "data" / "reference" / f"{name}.json"
