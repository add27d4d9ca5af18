"""Wrong: does not wait for the payment. Says: PaymentRefused."""

import asyncio

from labsupport.service.challenges import PayingShop


class Background(PayingShop):
    async def place_order(self, user_id, amount_cents, key):
        if await self.user(user_id) is None:
            return None
        payment = asyncio.create_task(self.pay(user_id, amount_cents))
        await asyncio.sleep(0)
        payment.add_done_callback(lambda task: task.exception())
        async with self.pool.acquire() as conn:
            return await self.store_order(conn, user_id, amount_cents, key)


answer = Background
