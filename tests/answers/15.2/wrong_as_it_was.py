"""Wrong: the shop as it was found. Says: one connection was free."""

from labsupport.service.hunts import CheckingShop


class MendedCheckingShop(CheckingShop):
    async def may_order(self, user_id):
        return await super().may_order(user_id)


answer = MendedCheckingShop
