"""Wrong: gives None instead of an error when the server is away. Says: no such order is stored."""

from labsupport.pooling import is_transient
from labsupport.service import Shop


class Hopeful(Shop):
    async def place_order(self, user_id, amount_cents, key):
        try:
            return await super().place_order(user_id, amount_cents, key)
        except Exception as error:
            if not is_transient(error):
                raise
            return 1


answer = Hopeful
