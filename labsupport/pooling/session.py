"""The settings that every session of a pool has, also after a release."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["SESSION_SETTINGS", "session_settings"]

SESSION_SETTINGS: Mapping[str, str] = {
    "timezone": "UTC",
    "search_path": "public",
    "application_name": "my_app_pool",
    "statement_timeout": "30000",  # milliseconds
}
"""Settings of every session, unless `server_settings` says otherwise."""


def session_settings(changes: Mapping[str, object] | None) -> dict[str, str]:
    """Return `SESSION_SETTINGS` with `changes` as text; a change to None leaves a setting out.

    They are sent while connecting. A SET later, in `init`, would last until the first release
    only: a release runs RESET ALL, which goes back to what was sent at connect.
    """
    settings = {**SESSION_SETTINGS, **(changes or {})}
    return {name: str(value) for name, value in settings.items() if value is not None}
