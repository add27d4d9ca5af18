"""Exercise 04.a: both halves in one transaction."""

__all__ = ["transfer"]

CHANGE = "UPDATE accounts SET balance = balance + $2 WHERE owner = $1 RETURNING owner"


async def transfer(db, source, target, amount):
    """Move the amount, or change nothing and raise."""
    async with db.connection() as conn, conn.transaction():
        for owner, change in ((source, -amount), (target, amount)):
            if await conn.fetchval(CHANGE, owner, change) is None:
                # Raised inside the block, so that the other half is taken back.
                raise LookupError(f"There is no account of {owner}.")
