"""Wrong: what the query stored is taken back. Says: how the transaction ends."""


async def fetch_within(conn, milliseconds, query):
    transaction = conn.transaction()
    await transaction.start()
    try:
        await conn.execute(f"SET LOCAL statement_timeout = {milliseconds}")
        return await conn.fetchval(query)
    finally:
        await transaction.rollback()


answer = fetch_within
