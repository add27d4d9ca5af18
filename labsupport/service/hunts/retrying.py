"""Hunt 3: a shop that tries again when the connection to its database is lost."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from labsupport.pooling import is_transient
from labsupport.service.shop import Shop

__all__ = ["RetryingShop"]

TRIES = 3
PAUSE = 0.05


class RetryingShop(Shop):
    """A shop that does not lose an order because a connection was lost."""

    async def place_order(self, user_id: int, amount_cents: int, key: str | None) -> int | None:
        """Store an order and return its id; None when there is no such user."""
        tries = 0
        while True:
            tries += 1
            # Also an order that came without a key gets one, so that it is stored once.
            order_key = key or uuid4().hex
            try:
                return await super().place_order(user_id, amount_cents, order_key)
            except Exception as error:
                if tries == TRIES or not is_transient(error):
                    raise
            await asyncio.sleep(PAUSE)
