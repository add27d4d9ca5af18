"""Wrong: only a missing source is noticed. Says: raised nothing."""


async def transfer(db, source, target, amount):
    async with db.connection() as conn, conn.transaction():
        rows = await conn.fetch(
            "SELECT owner FROM accounts WHERE owner IN ($1, $2) ORDER BY owner FOR UPDATE",
            source,
            target,
        )
        if source not in [r["owner"] for r in rows]:
            raise LookupError
        await conn.execute(
            "UPDATE accounts SET balance = balance - $2 WHERE owner = $1", source, amount
        )
        await conn.execute(
            "UPDATE accounts SET balance = balance + $2 WHERE owner = $1", target, amount
        )


answer = transfer
