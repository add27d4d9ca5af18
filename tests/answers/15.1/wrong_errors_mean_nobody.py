"""Wrong: the connection is safe, and every error becomes an unknown user. Says: DataError."""

from labsupport.service.hunts import GuestShop


class MendedGuestShop(GuestShop):
    async def user(self, user_id):
        try:
            async with self.pool.acquire() as conn:
                return await self.find_user(conn, user_id)
        except Exception:
            return None


answer = MendedGuestShop
