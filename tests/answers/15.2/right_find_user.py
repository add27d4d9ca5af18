"""Right: overrides the shop's way to find a user, which has a connection already."""

from labsupport.service import Shop
from labsupport.service.hunts import CheckingShop


class MendedCheckingShop(CheckingShop):
    async def place_order(self, user_id, amount_cents, key):
        return await Shop.place_order(self, user_id, amount_cents, key)

    async def find_user(self, conn, user_id):
        found = await super().find_user(conn, user_id)
        return found if found and "@" in found["email"] else None


answer = MendedCheckingShop
