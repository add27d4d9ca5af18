"""Hunt 1: a shop that notes who asks for users it does not know."""

from __future__ import annotations

import logging
from typing import Any

from labsupport.service.shop import Shop

__all__ = ["GuestShop"]

logger = logging.getLogger(__name__)


class GuestShop(Shop):
    """A shop whose log tells when somebody asks for a user who does not exist."""

    async def user(self, user_id: int) -> dict[str, Any] | None:
        """Return the user's id, name and e-mail; None when there is no such user."""
        conn = await self.pool.acquire()
        found = await self.find_user(conn, user_id)
        if found is None:
            logger.info("Somebody asked for user %d, who does not exist", user_id)
            return None
        await self.pool.release(conn)
        return found
