"""`.ci/workshop` runs the workshop with a real PgBouncer, or says in a sentence why it cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.programs import run_with_programs

ROOT = Path(__file__).resolve().parent.parent
WORKSHOP = ROOT / ".ci" / "workshop"
SAY_ARGUMENTS = '#!/bin/sh\necho "$@ needs=$LAB_NEEDS_PGBOUNCER"\n'
SAY_ORDINARY_USER = "#!/bin/sh\necho 1000\n"


def test_it_is_a_part_of_the_whole() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert ".ci/workshop" in lines


# It is for continuous integration on Linux.
if sys.platform == "linux":

    def run_with(
        programs: Path, settings: dict[str, str] | None = None, **scripts: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the script on a machine that has these programs and hardly another."""
        return run_with_programs(WORKSHOP, programs, scripts, settings or {})

    def test_with_a_pgbouncer_the_workshop_is_run_and_needs_it(tmp_path: Path) -> None:
        done = run_with(tmp_path / "programs", python3=SAY_ARGUMENTS, pgbouncer="")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "-m labsupport test --workshop needs=1\n"

    def test_one_that_is_named_will_do(tmp_path: Path) -> None:
        named = {"LAB_PGBOUNCER": "/opt/pgbouncer"}
        done = run_with(tmp_path / "programs", named, python3=SAY_ARGUMENTS)
        assert (done.returncode, done.stderr) == (0, "")

    def test_without_one_an_ordinary_user_gets_a_sentence(tmp_path: Path) -> None:
        done = run_with(tmp_path / "programs", python3=SAY_ARGUMENTS, id=SAY_ORDINARY_USER)
        assert done.returncode == 1
        assert done.stderr.startswith("[workshop] There is no pgbouncer in the PATH")
        assert done.stdout == ""
