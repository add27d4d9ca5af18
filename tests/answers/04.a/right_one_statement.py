"""Right: one UPDATE of both rows, undone when it met only one."""

BOTH = """
    UPDATE accounts
    SET balance = balance + CASE owner WHEN $1 THEN -$3::int ELSE $3::int END
    WHERE owner IN ($1, $2)
"""


async def transfer(db, source, target, amount):
    async with db.connection() as conn, conn.transaction():
        if await conn.execute(BOTH, source, target, amount) != "UPDATE 2":
            raise LookupError("One of the accounts does not exist.")


answer = transfer
