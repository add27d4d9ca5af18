"""Wrong: the shop as it was found. Says: 2 times."""

from labsupport.service.hunts import RetryingShop


class MendedRetryingShop(RetryingShop):
    async def place_order(self, user_id, amount_cents, key):
        return await super().place_order(user_id, amount_cents, key)


answer = MendedRetryingShop
