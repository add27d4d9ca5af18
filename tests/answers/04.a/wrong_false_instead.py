"""Wrong: returns False and hides the error. Says: raised nothing."""

import asyncpg

CHANGE = "UPDATE accounts SET balance = balance + $2 WHERE owner = $1 RETURNING owner"


async def transfer(db, source, target, amount):
    try:
        async with db.connection() as conn, conn.transaction():
            for owner, change in ((source, -amount), (target, amount)):
                if await conn.fetchval(CHANGE, owner, change) is None:
                    raise LookupError(owner)
    except (asyncpg.PostgresError, LookupError):
        return False
    return True


answer = transfer
