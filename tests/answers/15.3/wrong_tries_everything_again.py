"""Wrong: the key is right, and every error is tried again. Says: tried 3 times."""

from uuid import uuid4

from labsupport.service import Shop
from labsupport.service.hunts import RetryingShop


class MendedRetryingShop(RetryingShop):
    async def place_order(self, user_id, amount_cents, key):
        key = key or str(uuid4())
        for tries_left in (2, 1, 0):
            try:
                return await Shop.place_order(self, user_id, amount_cents, key)
            except Exception:
                if not tries_left:
                    raise


answer = MendedRetryingShop
