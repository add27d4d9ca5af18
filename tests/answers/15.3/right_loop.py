"""Right: the loop of the shop with its key in front of it."""

import asyncio
from uuid import uuid4

from labsupport.pooling import is_transient
from labsupport.service import Shop
from labsupport.service.hunts import RetryingShop


class MendedRetryingShop(RetryingShop):
    async def place_order(self, user_id, amount_cents, key):
        order_key = key or uuid4().hex
        for tries_left in (2, 1, 0):
            try:
                return await Shop.place_order(self, user_id, amount_cents, order_key)
            except Exception as error:
                if not tries_left or not is_transient(error):
                    raise
            await asyncio.sleep(0.05)


answer = MendedRetryingShop
