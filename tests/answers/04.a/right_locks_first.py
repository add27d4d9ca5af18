"""Right: locks both rows, calculates, writes."""


async def transfer(db, source, target, amount):
    async with db.connection() as conn, conn.transaction():
        rows = await conn.fetch(
            "SELECT owner, balance FROM accounts WHERE owner = ANY($1) ORDER BY owner FOR UPDATE",
            [source, target],
        )
        balances = {row["owner"]: row["balance"] for row in rows}
        if source not in balances or target not in balances:
            raise KeyError(f"{source} or {target}")
        balances[source] -= amount
        balances[target] += amount
        for owner, balance in balances.items():
            await conn.execute("UPDATE accounts SET balance = $2 WHERE owner = $1", owner, balance)


answer = transfer
