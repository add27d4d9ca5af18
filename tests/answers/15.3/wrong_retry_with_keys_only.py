"""Wrong: tries again with the client's key only. Says: ConnectionDoesNotExist."""

from labsupport.service import Shop
from labsupport.service.hunts import RetryingShop


class MendedRetryingShop(RetryingShop):
    async def place_order(self, user_id, amount_cents, key):
        if key:
            return await super().place_order(user_id, amount_cents, key)
        return await Shop.place_order(self, user_id, amount_cents, key)


answer = MendedRetryingShop
