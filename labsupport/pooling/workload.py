"""What a pool is planned for: the application's requests and the server's budget."""

from __future__ import annotations

from dataclasses import dataclass

from .checks import percentage, positive, variation, whole

__all__ = ["ServerBudget", "Workload"]


@dataclass(frozen=True)
class Workload:
    """What the application asks for. Times are in seconds."""

    arrival_rate: float
    """Acquires per second, of all processes together."""
    hold_time: float
    """Mean time from acquire to release, reset included: not the query's time alone."""
    hold_cv2: float = 1.0
    """Squared coefficient of variation of the hold time: 0 always the same, 1 exponential."""
    arrival_cv2: float = 1.0
    """The same of the time between arrivals: 1 is arrival at random (Poisson)."""
    target_wait: float = 0.01
    """How long a request may wait for a connection."""
    percentile: float | None = None
    """The percentage of requests that meets the target, like 99; None means the mean does."""
    connections_per_task: int = 1
    """How many connections one task holds at the same time (Cm)."""
    tasks_at_once: int | None = None
    """How many tasks run at once in a process (Tn); needed with more than one connection each."""
    server_share: float = 1.0
    """Part of the hold time, up to 1, in which the server works; the rest is network and client."""

    def __post_init__(self) -> None:
        positive("arrival_rate", self.arrival_rate, "acquires per second")
        positive("hold_time", self.hold_time, "seconds")
        variation("hold_cv2", self.hold_cv2)
        variation("arrival_cv2", self.arrival_cv2)
        positive("target_wait", self.target_wait, "seconds")
        if self.percentile is not None:
            percentage("percentile", self.percentile)
        positive("server_share", self.server_share, "a part of 1")
        whole("connections_per_task", self.connections_per_task, least=1)
        if self.server_share > 1:
            raise ValueError(f"server_share is {self.server_share!r}. It is a part, at most 1.")
        if self.tasks_at_once is not None:
            whole("tasks_at_once", self.tasks_at_once, least=1)
        elif self.connections_per_task > 1:
            raise ValueError(
                "Tasks that hold more than one connection can lock each other out. Give "
                "tasks_at_once, the number of tasks that one process runs at the same time."
            )


@dataclass(frozen=True)
class ServerBudget:
    """What the server can give, and among how many processes it is shared."""

    max_connections: int = 100
    """The server's setting; PostgreSQL ships with 100."""
    reserved: int = 3
    """Connections that are not ours: `superuser_reserved_connections` (3) and other programs."""
    processes: int = 1
    """Processes with a pool each. Count old and new ones while a new version is rolled out."""
    cores: int = 2
    """The server's cores, without hyper-threads."""
    spindles: int = 0
    """Disks that seek at the same time; 0 when the data fits into memory."""
    backend_mib: float = 3.0
    """Memory of one idle backend in MiB: 1.5 to 2.6 measured on PostgreSQL 18, rounded up."""
    work_mem_mib: float = 4.0
    """The server's `work_mem` in MiB; PostgreSQL ships with 4."""

    def __post_init__(self) -> None:
        whole("max_connections", self.max_connections, least=1)
        whole("reserved", self.reserved, least=0)
        whole("processes", self.processes, least=1)
        whole("cores", self.cores, least=1)
        whole("spindles", self.spindles, least=0)
        positive("backend_mib", self.backend_mib, "MiB")
        positive("work_mem_mib", self.work_mem_mib, "MiB")

    def per_process(self) -> int:
        """Return how many connections one process may open.

        (max_connections - reserved) / processes, rounded down. Raises `ValueError` when nothing is
        left for a process.
        """
        share = int((self.max_connections - self.reserved) // self.processes)
        if share < 1:
            raise ValueError(
                f"max_connections is {self.max_connections}; with {self.reserved} reserved, not "
                f"one connection is left for each of {self.processes} processes. Run fewer "
                "processes, or put a pooler such as PgBouncer before the server."
            )
        return share

    def busy_at_once(self) -> int:
        """Return how many connections the server can work for at once: cores * 2 + spindles.

        From the PostgreSQL wiki by way of HikariCP's About Pool Sizing: a place to start from.
        """
        return self.cores * 2 + self.spindles
