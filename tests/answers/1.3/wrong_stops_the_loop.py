"""Wrong: waits for a free connection with time.sleep. Says: time.sleep."""

import time


async def health_check(pool, timeout=1.0):
    began = time.perf_counter()
    try:
        while not pool.is_closing() and not pool.get_idle_size():
            if pool.get_size() < pool.get_max_size():
                break
            if time.perf_counter() - began > timeout:
                raise TimeoutError("no connection is free")
            time.sleep(0.05)
        async with pool.acquire(timeout=timeout) as conn:
            await conn.fetchval("SELECT 1", timeout=timeout)
        return {"status": "healthy", "response_seconds": time.perf_counter() - began}
    except Exception as error:
        return {"status": "unhealthy", "error": repr(error)}


answer = health_check
