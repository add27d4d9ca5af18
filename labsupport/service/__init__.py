"""The workshop's web service: a small shop over a pool, run as a process of its own.

    async with run_service(lab.server, lab.database, DB_POOL_MAX_SIZE=5) as service:
        print((await service.client.get("/users/1")).json())

Reading order: `shop` (what it can do, and the pool), `application` (its routes), `names` (the
variables it reads), `running` (how a notebook starts it), `held` (the process itself), `hunts`
(variants with a fault each).
"""

from labsupport.service.application import make_application
from labsupport.service.running import Service, StatusError, run_service
from labsupport.service.shop import Shop

__all__ = ["Service", "Shop", "StatusError", "make_application", "run_service"]
