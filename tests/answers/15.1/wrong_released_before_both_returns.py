"""Wrong: released before both returns, and not when the query fails. Says: query failed."""

from labsupport.service.hunts import GuestShop


class MendedGuestShop(GuestShop):
    async def user(self, user_id):
        conn = await self.pool.acquire()
        found = await self.find_user(conn, user_id)
        await self.pool.release(conn)
        return found


answer = MendedGuestShop
