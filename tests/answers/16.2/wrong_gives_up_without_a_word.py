"""Wrong: returns None when all attempts were in vain. Says: returned None."""

import asyncio

from labsupport.pooling import is_transient
from labsupport.service import Shop


class PatientShop(Shop):
    async def place_order(self, user_id, amount_cents, key):
        for _ in range(16):
            try:
                return await super().place_order(user_id, amount_cents, key)
            except Exception as e:
                if not is_transient(e):
                    raise
            await asyncio.sleep(0.2)


answer = PatientShop
