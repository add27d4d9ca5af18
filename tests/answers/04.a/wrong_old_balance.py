"""Wrong: writes a balance that it read before. Says: the old one meanwhile."""


async def transfer(db, source, target, amount):
    async with db.connection() as conn, conn.transaction():
        for owner, change in ((source, -amount), (target, amount)):
            balance = await conn.fetchval("SELECT balance FROM accounts WHERE owner = $1", owner)
            if balance is None:
                raise LookupError(owner)
            await conn.execute(
                "UPDATE accounts SET balance = $2 WHERE owner = $1", owner, balance + change
            )


answer = transfer
