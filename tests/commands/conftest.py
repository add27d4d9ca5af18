"""A clone and a home of its own for the tests of the commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.running import make_clone
from tests.homes import temporary_home


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone that is set up, in a folder with a space and letters beyond ASCII."""
    return make_clone(tmp_path_factory.mktemp("commands") / "my clone \u00e9\u4e2d")


@pytest.fixture(scope="module")
def home(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where servers keep their state; JupyterLab's own files go aside as well."""
    with temporary_home() as folder, pytest.MonkeyPatch.context() as environment:
        aside = tmp_path_factory.mktemp("jupyter")
        for name in ("CONFIG", "DATA", "RUNTIME"):
            environment.setenv(f"JUPYTER_{name}_DIR", str(aside / name.lower()))
        yield folder
