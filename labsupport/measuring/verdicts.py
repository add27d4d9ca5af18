"""What limited a run: the client, the pool, the server or the arrivals. Rules on plain figures."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Evidence", "Limit", "Verdict", "judge", "judge_all"]

CLIENT_IS_FULL = 0.9
WAITED_MOSTLY = 0.5
KEPT_UP = 0.95
SHARE_OF_LATENCY = 0.1
LATE_MS = 2.0
# The clock of timers ticks every 16 ms on Windows.
LAG_MS = 20.0 if sys.platform == "win32" else 5.0

BY_CLIENT = "this client was the limit, and the database could do more."

Limit = Literal["client", "machine", "pool", "server", "arrival", "mixed", "unknown"]
"""What was the limit; "mixed" when the arms of a comparison differ.

"machine" are the CPUs that client and server share: other processes, mostly the server's own,
kept them from a client that did little with them itself.
"""


@dataclass(frozen=True)
class Evidence:
    """The figures that a verdict rests on.

    `client_cpu`: CPU time of this process over elapsed time, 1.0 is one whole core.
    `waiting_for_cpu`: the share of the time that its thread was ready to run and had to wait for
    a CPU; None where the system does not say so.
    `loop_lag_ms`: by how many ms the event loop was late.
    `mean_ms`: mean latency of the requests that succeeded; None without any.
    `wait_share`: the part of all latency that requests waited for a connection; None where they
    do not report it.
    `throughput` and `offered`: requests per second, answered and planned; `lateness_ms`: by how
    many ms the requests of an open loop were sent too late, on average. Both None in a closed loop.
    `failed_share`: the part of the requests that failed.
    """

    client_cpu: float
    waiting_for_cpu: float | None = None
    loop_lag_ms: float = 0.0
    mean_ms: float | None = None
    wait_share: float | None = None
    throughput: float = 0.0
    offered: float | None = None
    lateness_ms: float | None = None
    failed_share: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """What limited a run, and in one sentence why one may think so."""

    limited_by: Limit
    sentence: str

    @property
    def concludes(self) -> bool:
        """Whether the run says something about the pool and the database.

        It does not when this client was the limit, or when nothing was answered.
        """
        return self.limited_by not in ("client", "unknown")


def judge(name: str, seen: Evidence) -> Verdict:
    """The verdict on a run; the first rule that holds decides.

    A client that is full or late hides everything behind it, so it is asked first: nine tenths of
    a core used or waited for, an event loop or a generator so late that it makes up a tenth of the
    latency. (Of a core that it mostly waited for, the machine is the limit.) Then arrivals that
    were all answered, then a pool for which requests waited half of their time. What remains
    lies behind the pool: the server and the way to it.
    """
    if seen.mean_ms is None:
        return Verdict("unknown", f"No request of {name!r} succeeded: nothing can be concluded.")
    failed = f" {seen.failed_share:.1%} of the requests failed." if seen.failed_share else ""
    limit, sentence = _limit(name, seen)
    return Verdict(limit, sentence + failed)


def _limit(name: str, seen: Evidence) -> tuple[Limit, str]:
    used = f"Python used {seen.client_cpu:.0%} of one core for {name!r}"
    waited_for_cpu = seen.waiting_for_cpu or 0.0
    if seen.client_cpu + waited_for_cpu >= CLIENT_IS_FULL:
        return _full(used, seen.client_cpu, waited_for_cpu)
    by_client = _why_late(name, seen)
    if by_client:
        return "client", f"{by_client}: {BY_CLIENT}"
    if seen.offered and seen.throughput >= KEPT_UP * seen.offered:
        answered = f"{seen.throughput:,.4g} of {seen.offered:,.4g} requests a second"
        return "arrival", (
            f"{used}, and {answered} were answered: the arrivals were the limit, "
            "and more could be done."
        )
    if seen.wait_share is None:
        return "server", (
            f"{used}, so this client was not the limit, but what the requests waited for. They "
            "report no wait time: a pool that is too small would count as the server here."
        )
    waited = f"{used}, and {seen.wait_share:.0%} of the requests' time was waiting for a connection"
    if seen.wait_share >= WAITED_MOSTLY:
        return "pool", f"{waited}: the pool was the limit."
    return "server", f"{waited}: the server, or the way to it, was the limit."


def _full(used: str, client_cpu: float, waited: float) -> tuple[Limit, str]:
    """Whose fault it is that this process had no CPU time left.

    One Python event loop runs on one core. When that core is full, the throughput is what this
    client can send and read, and says nothing about what the database could answer. Time in
    which it waits for a CPU that others use counts as full, unless that is most of it.
    """
    if waited >= 0.05:
        used += f" and waited for a free CPU for another {waited:.0%} of the time"
    if waited <= client_cpu:
        return "client", f"{used}: {BY_CLIENT}"
    return "machine", (
        f"{used}: other processes, the server's among them, kept this machine's CPUs busy, "
        "and a server on a machine of its own could do more."
    )


def _why_late(name: str, seen: Evidence) -> str | None:
    """In which way this client was too late for its latencies to be the database's, or None."""
    mean_ms = seen.mean_ms or 0.0
    if seen.loop_lag_ms > max(LAG_MS, SHARE_OF_LATENCY * mean_ms):
        return (
            f"Python's event loop was {seen.loop_lag_ms:.0f} ms late for {name!r}, so something "
            "blocked it"
        )
    late = seen.lateness_ms or 0.0
    if late > max(LATE_MS, SHARE_OF_LATENCY * mean_ms):
        return (
            f"The requests of {name!r} were sent {late:.1f} ms too late on average, a part of "
            f"their latency of {mean_ms:.1f} ms that is not the database's"
        )
    return None


def judge_all(verdicts: Iterable[Verdict]) -> Verdict:
    """One verdict on the arms of a comparison: "client" or "unknown" if that holds for any."""
    found = list(verdicts)
    doubts: tuple[Limit, ...] = ("unknown", "client")
    for doubtful in doubts:
        sentences = [verdict.sentence for verdict in found if verdict.limited_by == doubtful]
        if sentences:
            return Verdict(doubtful, " ".join(sentences))
    limits = {verdict.limited_by for verdict in found}
    limit: Limit = limits.pop() if len(limits) == 1 else "mixed"
    return Verdict(limit, " ".join(verdict.sentence for verdict in found))
