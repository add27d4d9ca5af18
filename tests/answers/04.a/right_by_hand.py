"""Right: the pool's own acquire, and the transaction by hand."""


async def change(conn, owner, amount):
    done = await conn.execute(
        "UPDATE accounts SET balance = balance + $2 WHERE owner = $1", owner, amount
    )
    if done.endswith(" 0"):
        raise LookupError(owner)


async def transfer(db, source, target, amount):
    conn = await db.pool.acquire(timeout=5)
    try:
        transaction = conn.transaction()
        await transaction.start()
        try:
            await change(conn, target, amount)
            await change(conn, source, -amount)
        except BaseException:
            await transaction.rollback()
            raise
        await transaction.commit()
    finally:
        await db.pool.release(conn)


answer = transfer
