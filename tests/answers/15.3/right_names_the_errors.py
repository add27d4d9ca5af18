"""Right: its own loop, with the classes of errors that mean a lost connection."""

import time
from itertools import count

import asyncpg

from labsupport.service import Shop
from labsupport.service.hunts import RetryingShop

LOST = (ConnectionError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)


class MendedRetryingShop(RetryingShop):
    numbers = count()

    async def place_order(self, user_id, amount_cents, key):
        if not key:
            key = f"{time.time_ns()}-{next(self.numbers)}"
        tries = 1
        while True:
            try:
                return await Shop.place_order(self, user_id, amount_cents, key)
            except LOST:
                if tries == 3:
                    raise
                tries += 1


answer = MendedRetryingShop
