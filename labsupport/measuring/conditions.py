"""Under what conditions something was measured: a figure without them says nothing."""

from __future__ import annotations

import asyncio
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

__all__ = ["Conditions", "current_conditions"]

SECRET_NAME = re.compile(r"passw|secret|token", re.IGNORECASE)
SECRET_VALUE = re.compile(r"://[^/\s]*:[^/\s]*@")


@dataclass(frozen=True)
class Conditions:
    """What a result depends on besides the thing that was measured.

    `when` is ISO 8601 in UTC; `cpu_count` the CPUs this process may use; `load` the settings
    of the load by name; `facts` whatever the caller knows ("server": "PostgreSQL 18.4").
    Results are passed on and published, so a fact that looks like a secret is refused with
    ValueError.
    """

    when: str
    python: str
    asyncpg: str
    platform: str
    cpu_count: int
    event_loop: str
    seed: int
    load: Mapping[str, Any]
    facts: Mapping[str, str]

    def __post_init__(self) -> None:
        for name, value in self.facts.items():
            if SECRET_NAME.search(name) or SECRET_VALUE.search(str(value)):
                raise ValueError(f"The fact {name!r} looks like a secret; leave it out.")

    def to_payload(self) -> dict[str, Any]:
        """The conditions as plain values for a JSON file."""
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Conditions:
        """The conditions as `to_payload` wrote them."""
        return cls(**payload)


def current_conditions(
    load: Mapping[str, Any], seed: int, facts: Mapping[str, str] | None
) -> Conditions:
    """The conditions of this moment and process; call it in a running event loop."""
    loop = type(asyncio.get_running_loop())
    return Conditions(
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        python=platform.python_version(),
        asyncpg=_version_of("asyncpg"),
        platform=f"{platform.system()} {platform.machine()}",
        cpu_count=_usable_cpus(),
        event_loop=f"{loop.__module__}.{loop.__qualname__}",
        seed=seed,
        load=dict(load),
        facts={name: str(value) for name, value in (facts or {}).items()},
    )


def _version_of(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _usable_cpus() -> int:
    """The CPUs that this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
