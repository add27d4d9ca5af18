"""Wrong: the tutorial's class as it stands, which has no fetchval. Says: fetchval."""

import asyncpg


class DatabasePool:
    """PostgreSQL connection pool manager"""

    def __init__(self):
        self.pool: asyncpg.Pool | None = None

    async def initialize(
        self,
        host: str = "localhost",
        port: int = 5432,
        database: str = "postgres",
        user: str = "postgres",
        password: str = "",
        min_size: int = 10,
        max_size: int = 50,
        max_queries: int = 50000,
        max_inactive_connection_lifetime: float = 300.0,
        command_timeout: float = 60.0,
    ):
        """Initialize the connection pool"""
        dsn = f"postgresql://{user}:{password}@{host}:{port}/{database}"
        self.pool = await asyncpg.create_pool(
            dsn=dsn,
            min_size=min_size,
            max_size=max_size,
            max_queries=max_queries,
            max_inactive_connection_lifetime=max_inactive_connection_lifetime,
            command_timeout=command_timeout,
        )

    async def close(self):
        """Close the connection pool"""
        if self.pool:
            await self.pool.close()

    async def acquire(self) -> asyncpg.Connection:
        """Acquire a connection from the pool"""
        if not self.pool:
            raise RuntimeError("Pool not initialized")

        return await self.pool.acquire()

    async def release(self, conn: asyncpg.Connection):
        """Release a connection back to the pool"""
        if self.pool:
            await self.pool.release(conn)


answer = DatabasePool
