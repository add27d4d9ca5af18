"""Right: the retry as a method of its own, for any call; stops after four seconds."""

import asyncio
import time

from labsupport.pooling import is_transient
from labsupport.service import Shop


class Sturdy(Shop):
    async def again_and_again(self, call, seconds=4.0):
        end = time.monotonic() + seconds
        while True:
            try:
                return await call()
            except Exception as error:
                if not is_transient(error) or time.monotonic() > end:
                    raise
                await asyncio.sleep(0.1)

    async def place_order(self, user_id, amount_cents, key):
        return await self.again_and_again(
            lambda: Shop.place_order(self, user_id, amount_cents, key)
        )


answer = Sturdy
