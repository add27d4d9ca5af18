"""Find or start a PostgreSQL server, and give each notebook a database of its own.

Reading order: `settings` (which server is meant), `server`, `embedded` (the one we bring),
`databases`, `throwaway` (one for what breaks servers), then what lies below: `supervisor`, `guard`,
`cluster`, `binaries`, `account`.
"""

from labsupport.postgres.databases import (
    drop_database,
    drop_lab_databases,
    ensure_kernel_database,
    ensure_template,
    load_data,
)
from labsupport.postgres.embedded import (
    EmbeddedStatus,
    StopReport,
    embedded_status,
    ensure_embedded,
    stop_embedded,
)
from labsupport.postgres.find import ServerFacts, connect, find_server, inspect_server
from labsupport.postgres.server import ConnectionArguments, Server
from labsupport.postgres.settings import chosen_server, read_settings
from labsupport.postgres.throwaway import OwnServer, own_server

__all__ = [
    "ConnectionArguments",
    "EmbeddedStatus",
    "OwnServer",
    "Server",
    "ServerFacts",
    "StopReport",
    "chosen_server",
    "connect",
    "drop_database",
    "drop_lab_databases",
    "embedded_status",
    "ensure_embedded",
    "ensure_kernel_database",
    "ensure_template",
    "find_server",
    "inspect_server",
    "load_data",
    "own_server",
    "read_settings",
    "stop_embedded",
]
