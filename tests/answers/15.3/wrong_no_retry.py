"""Wrong: does not try again, so that the client gets an error. Says: ConnectionDoesNotExist."""

from labsupport.service import Shop
from labsupport.service.hunts import RetryingShop


class MendedRetryingShop(RetryingShop):
    async def place_order(self, user_id, amount_cents, key):
        return await Shop.place_order(self, user_id, amount_cents, key)


answer = MendedRetryingShop
