"""The live view: a watch that also draws what it sees, where somebody can see it."""

from __future__ import annotations

import base64
import html
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labsupport.measuring.live_view.frames import frame_of
from labsupport.measuring.plots.time_line import plot_time_line
from labsupport.measuring.samples import Observe, Sessions, Watch

__all__ = ["LiveView", "live"]

Connections = Callable[[], Sequence[Any]]

MOVED = "While the cell ran, a drawing of the pool moved here."


class LiveView(Watch):
    """A `Watch` with a drawing of the pool that moves; see `live`. Its `line` is the history."""

    def __init__(
        self,
        observe: Observe,
        sessions: Sessions | None,
        connections: Connections | None,
        every: float,
        limit: float,
        title: str,
        history: bool,
    ) -> None:
        super().__init__(observe, sessions, every, limit)
        self._history = history
        self._connections = connections
        self._title = title
        self._last: tuple[float, Mapping[str, float]] = (0.0, {})
        self._widget: Any = None
        self._shown: Any = None

    async def __aenter__(self) -> LiveView:
        await super().__aenter__()
        if _in_a_notebook():
            # Only a notebook needs it, and it takes a moment to load.
            from labsupport.measuring.live_view.widget import PoolWidget

            self._widget = PoolWidget(title=self._title)
            self._shown = _display(self._bundle(self._title), display_id=True)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await super().__aexit__(*exc)
        self._draw(done=True)
        sentence = self.line.sentence
        if self._widget is None:
            print(sentence)
            return
        still = self._picture() if self._history else f"<p>{MOVED}</p>"
        self._shown.update(self._bundle(sentence, still), raw=True)
        _display({"text/plain": sentence})

    def _sampled(self, seconds: float, row: Mapping[str, float]) -> None:
        self._last = (seconds, row)
        self._draw(done=False)

    def _draw(self, done: bool) -> None:
        """Send one frame to the browser. What fails here is noted and not tried again."""
        if self._widget is None:
            return
        try:
            out = self._connections() if self._connections is not None else ()
        except Exception as error:
            self._failed("Looking at the connections", error)
            out = ()
        try:
            frame = frame_of(*self._last, out, " ".join(self.notes), done)
            self._widget.frame = frame
        except Exception as error:
            self._failed("Drawing", error)

    def _bundle(self, text: str, picture: str = "") -> dict[str, Any]:
        """The widget, and what stands in its place where there is no kernel behind the page."""
        plain = picture or f"<p>{html.escape(text)}</p>"
        view = {"version_major": 2, "version_minor": 0, "model_id": self._widget.model_id}
        return {
            "application/vnd.jupyter.widget-view+json": view,
            "text/html": plain,
            "text/plain": text,
        }

    def _picture(self) -> str:
        """The history as a picture in HTML."""
        line = self.line
        picture = plot_time_line(line)
        data = base64.b64encode(picture._repr_png_()).decode("ascii")
        width = int(picture.get_figwidth() * picture.dpi)
        words = html.escape(line.sentence)
        return f'<img alt="{words}" width="{width}" src="data:image/png;base64,{data}">'


def _in_a_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


def _display(bundle: Mapping[str, Any], **options: Any) -> Any:
    return sys.modules["IPython"].display.display(bundle, raw=True, **options)


def live(
    observe: Observe,
    *,
    sessions: Sessions | None = None,
    connections: Connections | None = None,
    every: float = 0.1,
    limit: float = 120.0,
    title: str = "Connection pool",
    history: bool = True,
) -> LiveView:
    """Watch a pool like `watch` and draw it: `async with live(pool.get_pool_stats) as view: ...`.

    Every connection is a cell with its state, the waiting requests are a queue, and the server's
    own count stands beside it. `connections` returns who has a connection now, the longest held
    first, as objects with any of `pid`, `held_seconds` and `task` (`LeakWatch.loans` fits): a
    cell in use says it when it has the focus. A new frame is drawn every `every` seconds.
    In a terminal the sentence at the end is all; saved HTML shows the time line instead, unless
    `history` is False, for a notebook that draws the time line itself.
    """
    return LiveView(observe, sessions, connections, every, limit, title, history)
