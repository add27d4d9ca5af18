"""Wrong: lets the server refuse what meets, and does not try again. Says: tried again."""

CHANGE = "UPDATE accounts SET balance = balance + $2 WHERE owner = $1 RETURNING owner"


async def transfer(db, source, target, amount):
    async with db.connection() as conn, conn.transaction(isolation="serializable"):
        for owner, change in ((source, -amount), (target, amount)):
            if await conn.fetchval(CHANGE, owner, change) is None:
                raise LookupError(owner)


answer = transfer
