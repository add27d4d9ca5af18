"""Four releases of the shop with one fault each, for those who hunt for it.

Each is named after what its author wanted, and not after its fault. What the faults do is shown
by the notebook of the hunts; how they are mended, by the solutions of its exercises.
"""

from labsupport.service.hunts.checking import CheckingShop
from labsupport.service.hunts.guests import GuestShop
from labsupport.service.hunts.retrying import RetryingShop
from labsupport.service.hunts.watched import WatchedShop

__all__ = ["CheckingShop", "GuestShop", "RetryingShop", "WatchedShop"]
