"""Right: leaves the work to the shop that this one was made from, and writes the log."""

import logging

from labsupport.service import Shop
from labsupport.service.hunts import GuestShop


class MendedGuestShop(GuestShop):
    async def user(self, user_id):
        found = await Shop.user(self, user_id)
        if found is None:
            logging.getLogger("shop").info("Somebody asked for user %d", user_id)
        return found


answer = MendedGuestShop
