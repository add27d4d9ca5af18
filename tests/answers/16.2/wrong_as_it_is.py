"""Wrong: the shop as it was. Says: failed."""

from labsupport.service import Shop


class Same(Shop):
    async def place_order(self, user_id, amount_cents, key):
        return await super().place_order(user_id, amount_cents, key)


answer = Same
