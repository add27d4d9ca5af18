"""Right: the bound method of an object that keeps the query."""

import contextlib
from time import perf_counter


class Doctor:
    def __init__(self, query="SELECT true"):
        self.query = query

    async def examine(self, pool, timeout=1.0):
        began = perf_counter()
        try:
            took = await self.ask(pool, began, timeout)
        except TimeoutError:
            return self.ill(f"no connection and no answer in {timeout} s")
        except Exception as error:
            return self.ill(repr(error))
        return dict(status="healthy", response_seconds=took)

    async def ask(self, pool, began, timeout):
        conn = await pool.acquire(timeout=timeout)
        try:
            rest = began + timeout - perf_counter()
            await conn.fetchrow(self.query, timeout=max(rest, 0.001))
            return perf_counter() - began
        except Exception:
            if not conn.is_closed():
                conn.terminate()
            raise
        finally:
            with contextlib.suppress(Exception):
                await pool.release(conn, timeout=timeout)

    def ill(self, why):
        return dict(status="unhealthy", error=why)


answer = Doctor().examine
