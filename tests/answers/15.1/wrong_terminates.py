"""Wrong: closes the connection itself, so that the pool waits for it. Says: still lent out."""

from labsupport.service.hunts import GuestShop


class MendedGuestShop(GuestShop):
    async def user(self, user_id):
        conn = await self.pool.acquire()
        found = await self.find_user(conn, user_id)
        if found is None:
            await conn.close()
            return None
        await self.pool.release(conn)
        return found


answer = MendedGuestShop
