"""The live view: the pool as a drawing that moves while a load runs."""

from labsupport.measuring.live_view.frames import Frame, frame_of
from labsupport.measuring.live_view.view import LiveView, live

__all__ = ["Frame", "LiveView", "frame_of", "live"]
