"""Wrong: repeats a wrong value as well. Says: tries was 3."""

INSERT = "INSERT INTO bookings VALUES ($1, $2) ON CONFLICT DO NOTHING"


async def store(pool, key, item):
    for attempt in range(3):
        try:
            return await pool.execute(INSERT, key, item)
        except Exception:
            if attempt == 2:
                raise


answer = store
