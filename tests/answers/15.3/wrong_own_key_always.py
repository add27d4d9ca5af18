"""Wrong: a key before the loop, in place of the client's as well. Says: client's own key."""

from uuid import uuid4

from labsupport.service.hunts import RetryingShop


class MendedRetryingShop(RetryingShop):
    async def place_order(self, user_id, amount_cents, key):
        return await super().place_order(user_id, amount_cents, uuid4().hex)


answer = MendedRetryingShop
