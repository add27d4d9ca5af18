"""The shop of a challenge: it asks a payment provider, and holds a connection meanwhile."""

from __future__ import annotations

import asyncio

from labsupport.service.shop import Shop

__all__ = ["PayingShop", "PaymentRefused"]

PAYMENT_SECONDS = 0.5


class PaymentRefused(Exception):
    """The provider says no."""


class PayingShop(Shop):
    """A shop in which an order is paid before it is stored."""

    async def pay(self, user_id: int, amount_cents: int) -> None:
        """Ask the payment provider, somewhere on the net. Raises `PaymentRefused`."""
        await asyncio.sleep(PAYMENT_SECONDS)

    async def place_order(self, user_id: int, amount_cents: int, key: str | None) -> int | None:
        """Have an order paid, store it and return its id; None when there is no such user."""
        async with self.pool.acquire() as conn, conn.transaction():
            if await self.find_user(conn, user_id) is None:
                return None
            await self.pay(user_id, amount_cents)
            return await self.store_order(conn, user_id, amount_cents, key)
