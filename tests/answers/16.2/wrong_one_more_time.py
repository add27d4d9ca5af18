"""Wrong: tries once more, at once, when the server is still away. Says: failed."""

from labsupport.pooling import is_transient
from labsupport.service import Shop


class OnceMore(Shop):
    async def place_order(self, user_id, amount_cents, key):
        try:
            return await super().place_order(user_id, amount_cents, key)
        except Exception as error:
            if not is_transient(error):
                raise
            return await super().place_order(user_id, amount_cents, key)


answer = OnceMore
