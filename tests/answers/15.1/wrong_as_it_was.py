"""Wrong: the shop as it was found. Says: who does not exist, 1 of 3."""

from labsupport.service.hunts import GuestShop


class MendedGuestShop(GuestShop):
    async def user(self, user_id):
        return await super().user(user_id)


answer = MendedGuestShop
