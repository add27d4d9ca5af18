"""Wrong: a new key for each attempt. Says: another id | are stored twice."""

import asyncio
import time
import uuid

from labsupport.pooling import is_transient
from labsupport.service import Shop


class PatientShop(Shop):
    async def place_order(self, user_id, amount_cents, key):
        end = time.monotonic() + 5
        attempt_key = key
        while True:
            try:
                return await super().place_order(user_id, amount_cents, attempt_key)
            except Exception as e:
                if not is_transient(e) or time.monotonic() > end:
                    raise
                attempt_key = f"{key}-{uuid.uuid4()}"
                await asyncio.sleep(0.2)


answer = PatientShop
