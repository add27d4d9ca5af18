"""Wrong: tries again whatever happened. Says: no further attempt mends it."""

import asyncio

from labsupport.service import Shop


class Stubborn(Shop):
    async def place_order(self, user_id, amount_cents, key):
        for _ in range(50):
            try:
                return await super().place_order(user_id, amount_cents, key)
            except Exception as error:
                last = error
                await asyncio.sleep(0.1)
        raise last


answer = Stubborn
