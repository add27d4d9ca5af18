"""Wrong: an UPDATE of no row is taken for done. Says: nobody."""


async def transfer(db, source, target, amount):
    async with db.connection() as conn, conn.transaction():
        await conn.execute(
            "UPDATE accounts SET balance = balance - $2 WHERE owner = $1", source, amount
        )
        await conn.execute(
            "UPDATE accounts SET balance = balance + $2 WHERE owner = $1", target, amount
        )


answer = transfer
