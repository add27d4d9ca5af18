"""Right: asks by itself, inside of a block, with an early return there."""

from labsupport.service.hunts import GuestShop


class MendedGuestShop(GuestShop):
    async def user(self, user_id):
        query = "SELECT id, name, email FROM users WHERE id = $1"
        async with self.pool.acquire() as conn:
            rows = await conn.fetch(query, user_id)
            if not rows:
                return None
            return dict(rows[0])


answer = MendedGuestShop
