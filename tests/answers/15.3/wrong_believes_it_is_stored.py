"""Wrong: takes a lost connection for a stored order. Says: returned None."""

from labsupport.pooling import is_transient
from labsupport.service import Shop
from labsupport.service.hunts import RetryingShop


class MendedRetryingShop(RetryingShop):
    async def place_order(self, user_id, amount_cents, key):
        try:
            return await Shop.place_order(self, user_id, amount_cents, key)
        except Exception as error:
            if not is_transient(error):
                raise
            return None


answer = MendedRetryingShop
