"""The shop's routes over HTTP, and what a client is told when the database has trouble."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from labsupport.pooling import pool_metrics, prometheus_text, status_of
from labsupport.pooling.errors import DATABASE_ERRORS
from labsupport.service.shop import Shop

__all__ = ["NewOrder", "make_application"]

logger = logging.getLogger(__name__)

LARGEST_ID = 2**63 - 1
LARGEST_AMOUNT = 2**31 - 1


class NewOrder(BaseModel):
    """What a client sends to order something."""

    user_id: int = Field(ge=1, le=LARGEST_ID)
    amount_cents: int = Field(gt=0, le=LARGEST_AMOUNT)


def make_application(shop: Shop) -> FastAPI:
    """Return the web application of a shop. Opening and closing the shop is its holder's part."""
    app = FastAPI(title="Shop")
    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, _answer_trouble)

    @app.get("/users/{user_id}")
    async def user(user_id: int) -> dict[str, Any]:
        found = await shop.user(_checked(user_id))
        if found is None:
            raise HTTPException(404, "There is no such user")
        return found

    @app.get("/users/{user_id}/orders")
    async def orders_of(user_id: int) -> list[int]:
        return await shop.orders_of(_checked(user_id))

    @app.post("/orders", status_code=201)
    async def place_order(
        order: NewOrder, idempotency_key: Annotated[str | None, Header(max_length=200)] = None
    ) -> dict[str, int]:
        stored = await shop.place_order(order.user_id, order.amount_cents, idempotency_key)
        if stored is None:
            raise HTTPException(404, "There is no such user")
        return {"id": stored}

    @app.get("/report")
    async def report(seconds: Annotated[float, Query(ge=0, le=60)] = 0.02) -> dict[str, int]:
        return {"users": await shop.report(seconds)}

    @app.get("/health")
    async def health(response: Response) -> dict[str, Any]:
        found = await shop.health()
        response.status_code = 200 if found["status"] == "healthy" else 503
        return found

    @app.get("/metrics")
    async def metrics() -> Response:
        text = prometheus_text(pool_metrics(shop.pool, "shop"))
        return Response(text, media_type="text/plain; version=0.0.4")

    return app


def _checked(user_id: int) -> int:
    """An id that the database's type can hold; any other is nobody's."""
    if not 1 <= user_id <= LARGEST_ID:
        raise HTTPException(404, "There is no such user")
    return user_id


async def _answer_trouble(request: Request, error: Exception) -> JSONResponse:
    """Tell the client what it may know, and the log what happened."""
    status, detail = status_of(error)
    level = logging.ERROR if status == 500 else logging.WARNING
    said = " ".join(str(error).split()) or "the limit was reached"
    logger.log(level, "%s answered with %d: %s: %s", request.url.path, status, _kind(error), said)
    return JSONResponse({"detail": detail}, status)


def _kind(error: Exception) -> str:
    return type(error).__name__
