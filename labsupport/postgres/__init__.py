"""Find or start a PostgreSQL server, and give each notebook a database of its own.

Reading order: `settings` (which server is meant), `server`, `embedded` (the one we bring),
`databases`, `throwaway` (one for what breaks servers), `distance` (one that is far away, with
`traffic` and `messages`: what passed), `pgbouncer` (one that many clients share), then what lies
below: `supervisor`, `guard`, `cluster`, `data_folder`, `binaries`, `account`, `status`; `relay` and
`proxy_process` behind `distance`, `pgbouncer_files` and `pgbouncer_process` behind `pgbouncer`.
"""

from labsupport.postgres.databases import (
    drop_database,
    drop_lab_databases,
    ensure_kernel_database,
    ensure_template,
    load_data,
)
from labsupport.postgres.distance import Counting, Distant, Recording, distant
from labsupport.postgres.embedded import (
    EmbeddedStatus,
    StopReport,
    embedded_status,
    ensure_embedded,
    stop_embedded,
)
from labsupport.postgres.find import ServerFacts, connect, find_server, inspect_server
from labsupport.postgres.messages import Message
from labsupport.postgres.pgbouncer import (
    HOW_TO_GET_PGBOUNCER,
    Bouncer,
    find_pgbouncer,
    pgbouncer,
)
from labsupport.postgres.server import ConnectionArguments, Server
from labsupport.postgres.settings import chosen_server, read_settings
from labsupport.postgres.throwaway import OwnServer, own_server
from labsupport.postgres.traffic import Burst, Counts, RoundTrip, Trace

__all__ = [
    "HOW_TO_GET_PGBOUNCER",
    "Bouncer",
    "Burst",
    "ConnectionArguments",
    "Counting",
    "Counts",
    "Distant",
    "EmbeddedStatus",
    "Message",
    "OwnServer",
    "Recording",
    "RoundTrip",
    "Server",
    "ServerFacts",
    "StopReport",
    "Trace",
    "chosen_server",
    "connect",
    "distant",
    "drop_database",
    "drop_lab_databases",
    "embedded_status",
    "ensure_embedded",
    "ensure_kernel_database",
    "ensure_template",
    "find_pgbouncer",
    "find_server",
    "inspect_server",
    "load_data",
    "own_server",
    "pgbouncer",
    "read_settings",
    "stop_embedded",
]
