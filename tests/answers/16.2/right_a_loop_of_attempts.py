"""Right: fifteen attempts with a growing pause; the errors by name."""

import asyncio

import asyncpg

from labsupport.service import Shop

AGAIN = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


class Patient(Shop):
    async def place_order(self, user_id, amount_cents, key):
        for attempt in range(15):
            try:
                return await Shop.place_order(self, user_id, amount_cents, key)
            except AGAIN:
                if attempt == 14:
                    raise
                await asyncio.sleep(min(0.3, 0.02 * 2**attempt))


answer = Patient
