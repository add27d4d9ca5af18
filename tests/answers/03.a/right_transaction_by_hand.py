"""Right: begin, commit and rollback by hand."""


async def fetch_within(conn, milliseconds, query):
    transaction = conn.transaction()
    await transaction.start()
    try:
        await conn.execute(f"SET LOCAL statement_timeout TO {milliseconds}")
        value = await conn.fetchval(query)
    except BaseException:
        await transaction.rollback()
        raise
    await transaction.commit()
    return value


answer = fetch_within
