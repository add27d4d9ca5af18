"""Wrong: gives the pool more connections and keeps the leak. Says: still lent out."""

from labsupport.service.hunts import GuestShop


class MendedGuestShop(GuestShop):
    def __init__(self, settings):
        super().__init__(settings.model_copy(update={"pool_max_size": 20}))


answer = MendedGuestShop
