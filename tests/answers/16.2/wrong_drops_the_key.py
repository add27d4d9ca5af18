"""Wrong: stores without the key, so an order may be stored twice. Says: the same order with."""

import asyncio

from labsupport.pooling import is_transient
from labsupport.service import Shop


class Keyless(Shop):
    async def place_order(self, user_id, amount_cents, key):
        for _ in range(40):
            try:
                return await super().place_order(user_id, amount_cents, None)
            except Exception as error:
                if not is_transient(error):
                    raise
                await asyncio.sleep(0.1)


answer = Keyless
