"""Wrong: tries again when no connection came in time. Says: one connection."""

from labsupport.pooling import PoolTimeout
from labsupport.service.hunts import CheckingShop


class MendedCheckingShop(CheckingShop):
    async def place_order(self, user_id, amount_cents, key):
        for _ in range(2):
            try:
                return await super().place_order(user_id, amount_cents, key)
            except PoolTimeout:
                pass
        raise TimeoutError("still no connection")


answer = MendedCheckingShop
