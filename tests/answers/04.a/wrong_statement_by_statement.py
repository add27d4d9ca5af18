"""Wrong: each half by itself. Says: in the transaction."""

CHANGE = "UPDATE accounts SET balance = balance + $2 WHERE owner = $1 RETURNING owner"


async def transfer(db, source, target, amount):
    for owner, change in ((source, -amount), (target, amount)):
        if await db.execute_single(CHANGE, owner, change) is None:
            raise LookupError(owner)


answer = transfer
