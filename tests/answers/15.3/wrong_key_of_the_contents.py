"""Wrong: makes the key of user and amount, so that nobody buys twice. Says: buys the same."""

from labsupport.service.hunts import RetryingShop


class MendedRetryingShop(RetryingShop):
    async def place_order(self, user_id, amount_cents, key):
        return await super().place_order(user_id, amount_cents, key or f"{user_id}-{amount_cents}")


answer = MendedRetryingShop
