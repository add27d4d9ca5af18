"""The tests of the pooling room once more, all of them on the oldest PostgreSQL that we serve."""

from __future__ import annotations

import os
import subprocess
import sys

from labsupport.places import project_root
from tests.pooling.conftest import MAJORS

RUN_LIMIT = 500


def test_the_pooling_room_works_on_the_oldest_major_version() -> None:
    settings = {"LAB_TEST_SERVER": MAJORS[0], "LAB_PG_VERSION": MAJORS[0]}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/pooling", "-v", "--tb=short", "--color=no"],
        cwd=project_root(),
        env={**os.environ, **settings},
        capture_output=True,
        encoding="utf-8",
        timeout=RUN_LIMIT,
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert f"on {MAJORS[0]}" in done.stdout
