"""Wrong: a transfer that the server ended is lost in silence. Says: when nobody hears of it."""

import asyncpg


async def transfer(db, source, target, amount):
    try:
        async with db.connection() as conn, conn.transaction():
            a = await conn.execute(
                "UPDATE accounts SET balance = balance - $2 WHERE owner = $1", source, amount
            )
            b = await conn.execute(
                "UPDATE accounts SET balance = balance + $2 WHERE owner = $1", target, amount
            )
            if "UPDATE 0" in (a, b):
                raise LookupError
    except asyncpg.DeadlockDetectedError:
        pass


answer = transfer
