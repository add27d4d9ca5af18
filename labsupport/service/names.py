"""The variables by which a service is told where its database is and how large its pool may be."""

from __future__ import annotations

from collections.abc import Iterable

from labsupport.errors import LabError
from labsupport.pooling import DatabaseSettings

__all__ = ["check_variables", "variable_of"]


def variable_of(field: str) -> str:
    """The environment variable of a field of `DatabaseSettings`."""
    return "DB_NAME" if field == "database" else f"DB_{field.upper()}"


def check_variables(names: Iterable[str]) -> None:
    """Raise `LabError` for a `DB_` variable that nobody reads: a slip that would change nothing."""
    known = [variable_of(field) for field in DatabaseSettings.model_fields]
    for name in names:
        if name.upper().startswith("DB_") and name not in known:
            raise LabError(f"The service reads no variable {name}. It reads {', '.join(known)}.")
