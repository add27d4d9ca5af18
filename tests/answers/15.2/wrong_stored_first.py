"""Wrong: stores first and looks at the customer afterwards. Says: no @."""

from labsupport.service import Shop
from labsupport.service.hunts import CheckingShop


class MendedCheckingShop(CheckingShop):
    async def place_order(self, user_id, amount_cents, key):
        stored = await Shop.place_order(self, user_id, amount_cents, key)
        if stored is None or not await self.may_order(user_id):
            return None
        return stored


answer = MendedCheckingShop
