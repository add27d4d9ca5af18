"""What may stand beside a pool: the one seam through which later pieces see its connections."""

from __future__ import annotations

from typing import Any

__all__ = ["PoolObserver"]


class PoolObserver:
    """Sees a pool's connections come and go. Override what you need; by default nothing happens.

    Hand observers to the pool when you make it: `DatabasePool(LeakWatch(), MaxLifetime(1800))`.
    The methods are called for every request: keep them short, never block, never raise. One
    observer serves one pool.
    """

    def on_connect(self, conn: Any) -> None:
        """A connection to the server was opened."""

    def on_acquire(self, conn: Any) -> None:
        """A connection was lent out."""

    def on_release(self, conn: Any) -> None:
        """A connection came back. It may be broken by now."""

    def on_close(self) -> None:
        """The pool is closed: forget everything about its connections."""

    def is_spent(self, conn: Any) -> bool:
        """Whether to replace this connection now. Asked before it is lent and when it is back."""
        return False

    def where(self, conn: Any) -> str:
        """Who borrowed this connection and where, as text; empty when not known."""
        return ""
