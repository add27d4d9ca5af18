"""The two roles of an embedded server: its superuser, and `lab`, an ordinary one for lessons."""

from __future__ import annotations

import asyncpg

from labsupport.postgres.cluster import Cluster
from labsupport.postgres.server import ConnectionArguments, Server

__all__ = ["create_lab_role", "lab_server", "superuser_arguments"]

LAB_ROLE = "lab"


def lab_server(cluster: Cluster, port: int, where: str) -> Server:
    """Return the server as the ordinary role `lab` sees it."""
    return Server(
        host="127.0.0.1",
        port=port,
        user=LAB_ROLE,
        password=cluster.passwords()["lab"],
        database="postgres",
        where="own" if where == "own" else "embedded",
    )


def superuser_arguments(cluster: Cluster, port: int) -> ConnectionArguments:
    """Return asyncpg's keyword arguments for the superuser, whose sessions lessons do not count."""
    server = Server(
        host="127.0.0.1",
        port=port,
        user="postgres",
        password=cluster.passwords()["superuser"],
        database="postgres",
        where="embedded",
    )
    return server.arguments(application_name="lab supervisor")


async def create_lab_role(cluster: Cluster, port: int, trusted_role: str | None = None) -> None:
    """Create the role `lab` unless it exists; it may create databases and is no superuser.

    A superuser would get the connections that a server reserves, and an ordinary program does not.
    """
    connection = await asyncpg.connect(**superuser_arguments(cluster, port))
    try:
        known = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)"
        if not await connection.fetchval(known, LAB_ROLE):
            password = cluster.passwords()["lab"]
            # The password is made of letters, digits, "-" and "_", so it needs no quoting.
            await connection.execute(f"CREATE ROLE {LAB_ROLE} LOGIN CREATEDB PASSWORD '{password}'")
        if trusted_role is not None:
            await connection.execute(f"CREATE ROLE {trusted_role} LOGIN")
    finally:
        await connection.close(timeout=10)
