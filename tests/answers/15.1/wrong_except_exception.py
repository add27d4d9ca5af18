"""Wrong: released after a failure too, but not after a cancellation. Says: cancelled."""

from labsupport.service.hunts import GuestShop


class MendedGuestShop(GuestShop):
    async def user(self, user_id):
        conn = await self.pool.acquire()
        try:
            found = await self.find_user(conn, user_id)
        except Exception:
            await self.pool.release(conn)
            raise
        await self.pool.release(conn)
        return found


answer = MendedGuestShop
