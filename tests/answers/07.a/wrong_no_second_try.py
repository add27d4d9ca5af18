"""Wrong: gives up when the reply is lost. Says: lost."""


async def store(pool, key, item):
    await pool.execute(
        "INSERT INTO bookings (key, item) VALUES ($1, $2) ON CONFLICT DO NOTHING", key, item
    )


answer = store
