"""Right: acquire and release, with the release in a finally."""

from labsupport.service.hunts import GuestShop


class MendedGuestShop(GuestShop):
    async def user(self, user_id):
        conn = await self.pool.acquire()
        try:
            return await self.find_user(conn, user_id)
        finally:
            await self.pool.release(conn)


answer = MendedGuestShop
