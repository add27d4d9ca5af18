"""Wrong: ends everything without waiting. Says: under way."""


async def close_in_time(pool, seconds):
    idle = pool.get_idle_size() == pool.get_size()
    pool.terminate()
    return idle or pool.get_size() > 0


answer = close_in_time
