"""Wrong: ends with the TimeoutError of a limit around all attempts. Says: last error."""

import asyncio

from labsupport.pooling import is_transient
from labsupport.service import Shop


class PatientShop(Shop):
    async def place_order(self, user_id, amount_cents, key):
        async with asyncio.timeout(4):
            while True:
                try:
                    return await super().place_order(user_id, amount_cents, key)
                except Exception as e:
                    if not is_transient(e):
                        raise
                await asyncio.sleep(0.2)


answer = PatientShop
