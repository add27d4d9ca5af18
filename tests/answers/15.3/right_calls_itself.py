"""Right: an order without a key gets one and begins anew."""

import secrets

from labsupport.service.hunts import RetryingShop


class MendedRetryingShop(RetryingShop):
    async def place_order(self, user_id, amount_cents, key):
        if key is None:
            return await self.place_order(user_id, amount_cents, secrets.token_hex(16))
        return await super().place_order(user_id, amount_cents, key)


answer = MendedRetryingShop
