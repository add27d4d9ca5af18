"""Wrong: tries a refused payment again. Says: asked the provider."""

from labsupport.service import Shop
from labsupport.service.challenges import PayingShop


class QuickShop(PayingShop):
    async def place_order(self, user_id, amount_cents, key):
        if await self.user(user_id) is None:
            return None
        for attempt in range(3):
            try:
                await self.pay(user_id, amount_cents)
                break
            except Exception:
                if attempt == 2:
                    raise
        return await Shop.place_order(self, user_id, amount_cents, key)


answer = QuickShop
