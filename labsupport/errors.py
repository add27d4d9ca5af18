"""The one error that is meant for a person and not for a programmer."""

from __future__ import annotations

__all__ = ["LabError"]


class LabError(Exception):
    """Something a person can mend: the text says what is wrong and what to do next.

    The commands print the text alone and exit with 1. A notebook shows it without a traceback,
    because IPython asks an exception for `_render_traceback_` before it makes one itself.
    """

    def _render_traceback_(self) -> list[str]:
        return [str(self)]
