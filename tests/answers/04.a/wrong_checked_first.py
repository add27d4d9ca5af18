"""Wrong: looks before, and still writes half by half. Says: in the transaction."""


async def transfer(db, source, target, amount):
    for owner in (source, target):
        if not await db.execute_query("SELECT 1 FROM accounts WHERE owner = $1", owner):
            raise LookupError(owner)
    await db.execute_query(
        "UPDATE accounts SET balance = balance + $2 WHERE owner = $1", target, amount
    )
    await db.execute_query(
        "UPDATE accounts SET balance = balance - $2 WHERE owner = $1", source, amount
    )


answer = transfer
