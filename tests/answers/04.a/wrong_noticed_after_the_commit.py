"""Wrong: a missing account is seen too late. Says: which cannot be done."""

CHANGE = "UPDATE accounts SET balance = balance + $2 WHERE owner = $1 RETURNING owner"


async def transfer(db, source, target, amount):
    done = await db.execute_transaction([(CHANGE, [source, -amount]), (CHANGE, [target, amount])])
    if not all(done):
        raise LookupError("One of the accounts does not exist.")


answer = transfer
