"""The widget in the browser: it gets frames and draws them by `pool_widget.js`."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

__all__ = ["PoolWidget"]

HERE = Path(__file__).parent


class PoolWidget(anywidget.AnyWidget):
    """A pool's drawing. Set `frame` to a `Frame` to draw it; nothing comes back."""

    _esm = (HERE / "pool_widget.js").read_text(encoding="utf-8")
    _css = (HERE / "pool_widget.css").read_text(encoding="utf-8")
    frame = traitlets.Dict().tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
