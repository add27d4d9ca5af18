"""A progress bar on standard error, in ASCII and no wider than the terminal."""

from __future__ import annotations

import shutil
import sys

__all__ = ["ProgressBar", "bar_line"]

BAR = 24
SHORTEST_BAR = 5


class ProgressBar:
    """Shows how far a measurement is; where nobody watches, only the sentence that stays."""

    def __call__(self, share: float, text: str) -> None:
        """Show the share that is done (0 to 1) and a text; with the share 1 the text stays."""
        done = share >= 1
        if sys.stderr.isatty():
            # A line that fills the last column makes some terminals begin a new one.
            width = shutil.get_terminal_size().columns - 1
            line = text[:width] if done else bar_line(share, text, width)
            end = "\n" if done else ""
            print("\r" + line.ljust(width), end=end, file=sys.stderr, flush=True)
        elif done:
            print(text, file=sys.stderr, flush=True)


def bar_line(share: float, text: str, width: int) -> str:
    """The bar, the share and the text in at most `width` columns; the bar gives way first."""
    line = f"{share:4.0%}  {text}"
    room = min(BAR, width - len(line) - len("[] "))
    if room < SHORTEST_BAR:
        return line[: max(width, 0)]
    filled = round(share * room)
    return f"[{'#' * filled}{'.' * (room - filled)}] {line}"
