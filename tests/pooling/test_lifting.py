"""The folder can be lifted into a service as it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import labsupport.pooling

ALONE = """
import sys
sys.path.insert(0, sys.argv[1])
import service_pool
assert service_pool.__file__.startswith(sys.argv[1]), service_pool.__file__
for name in service_pool.__all__:
    getattr(service_pool, name)
others = sorted(name for name in sys.modules if name.split(".")[0] == "labsupport")
assert not others, others
"""


def test_the_folder_works_under_another_name_without_the_rest(tmp_path: Path) -> None:
    folder = Path(labsupport.pooling.__file__).parent
    shutil.copytree(folder, tmp_path / "service_pool", ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path)], cwd=tmp_path, capture_output=True,
        encoding="utf-8", timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
