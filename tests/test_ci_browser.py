"""`.ci/browser` runs the tests of lessons in a browser, or says in a sentence why it cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.programs import run_with_programs

ROOT = Path(__file__).resolve().parent.parent
BROWSER = ROOT / ".ci" / "browser"
SAY_ARGUMENTS = '#!/bin/sh\necho "$@"\n'
SAY_ORDINARY_USER = "#!/bin/sh\necho 1000\n"

# It is for continuous integration on Linux.
if sys.platform == "linux":

    def run_with(programs: Path, **scripts: str) -> subprocess.CompletedProcess[str]:
        """Run the script on a machine that has these programs and hardly another."""
        return run_with_programs(BROWSER, programs, scripts, {})

    def test_with_a_browser_the_tests_are_run(tmp_path: Path) -> None:
        done = run_with(tmp_path / "programs", python3=SAY_ARGUMENTS, chromium="")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "-m labsupport test --browser\n"

    def test_without_a_browser_an_ordinary_user_gets_a_sentence(tmp_path: Path) -> None:
        done = run_with(tmp_path / "programs", python3=SAY_ARGUMENTS, id=SAY_ORDINARY_USER)
        assert done.returncode == 1
        assert done.stderr.startswith("[browser] There is no Chromium")
        assert done.stdout == ""
