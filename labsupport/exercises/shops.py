"""Shops of the workshop's service that run inside a check's process, on its own database."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from labsupport.exercises.bench import Bench
from labsupport.pooling import DatabaseSettings

__all__ = ["opened", "settings_of"]


def settings_of(bench: Bench, **changes: Any) -> DatabaseSettings:
    """The settings of the check's database; `changes` are fields such as `pool_max_size`."""
    fields = {"pool_min_size": 0, "application_name": "answer", **bench.where, **changes}
    return DatabaseSettings(_env_file=None, **fields)


@contextlib.asynccontextmanager
async def opened(bench: Bench, answer: Any, **changes: Any) -> AsyncIterator[Any]:
    """An open shop of the class that a learner wrote; it is closed at the end, however it is."""
    name = getattr(answer, "__name__", "your class")
    settings = settings_of(bench, **changes)
    shop = await bench.run(f"{name}(settings)", lambda: answer(settings))
    bench.needs(shop, ("open", "close", "place_order", "user", "health"), f"{name}(settings)")
    await bench.run(f"await {name}(settings).open()", shop.open)
    try:
        yield shop
    finally:
        with contextlib.suppress(Exception):
            await shop.pool.close(0.5)
