"""Wrong: the shop below this one, which takes orders from everybody. Says: no @."""

from labsupport.service import Shop
from labsupport.service.hunts import CheckingShop


class MendedCheckingShop(CheckingShop):
    async def place_order(self, user_id, amount_cents, key):
        return await Shop.place_order(self, user_id, amount_cents, key)


answer = MendedCheckingShop
