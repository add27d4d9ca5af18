"""Wrong: tries again for ever. Says: in time."""

import asyncio

from labsupport.pooling import is_transient
from labsupport.service import Shop


class PatientShop(Shop):
    async def place_order(self, user_id, amount_cents, key):
        while True:
            try:
                return await super().place_order(user_id, amount_cents, key)
            except Exception as e:
                if not is_transient(e):
                    raise
                await asyncio.sleep(0.1)


answer = PatientShop
