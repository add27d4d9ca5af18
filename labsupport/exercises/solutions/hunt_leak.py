"""Exercise 15.1: a connection that comes back, whoever asks for whom."""

import logging

from labsupport.service.hunts import GuestShop

__all__ = ["MendedGuestShop"]

logger = logging.getLogger(__name__)


class MendedGuestShop(GuestShop):
    """Every way out of the block gives the connection back."""

    async def user(self, user_id):
        """Return the user, or None and a line in the log."""
        async with self.pool.acquire() as conn:
            found = await self.find_user(conn, user_id)
        if found is None:
            logger.info("Somebody asked for user %d, who does not exist", user_id)
        return found
