"""Make the lock files from the ranges in pyproject.toml: `python tools/refresh_locks.py`.

One lock serves Linux, macOS and Windows and Python 3.11 to 3.14, by environment markers.
Add `--upgrade` to move every pin to the newest version that its range admits.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {
    "requirements.txt": "-e .",
    "requirements-workshop.txt": "-e .[workshop]",
    "requirements-dev.txt": "-e .[dev,workshop]",
    "requirements-browser.txt": "-e .[browser,dev,workshop]",
}
HEADER = "# Made by tools/refresh_locks.py from pyproject.toml. Change the ranges there.\n"


def resolve(lock: Path, project: str, constraints: list[Path], upgrade: bool) -> str:
    """Resolve `project` to exact versions and return the lock's text, the project itself last."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "-", "--universal", "--quiet"]
    command += ["--python-version", "3.11", "--no-header", "--no-annotate"]
    command += ["--no-emit-index-url", "--no-emit-find-links"]
    for path in constraints:
        command += ["--constraint", str(path)]
    with tempfile.TemporaryDirectory() as folder:
        # uv keeps the versions that it finds in the file that it writes to.
        output = Path(folder) / lock.name
        if lock.exists() and not upgrade:
            shutil.copy(lock, output)
        command += ["--output-file", str(output)]
        subprocess.run(command, input=project, encoding="utf-8", cwd=ROOT, check=True)
        lines = output.read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if "==" in line]
    return HEADER + "\n".join([*pins, project]) + "\n"


def main() -> int:
    """Write every lock; the later ones keep the versions of the earlier ones."""
    upgrade = "--upgrade" in sys.argv[1:]
    done: list[Path] = []
    for name, project in LOCKS.items():
        lock = ROOT / name
        constraints = [path.with_suffix(".constraints") for path in done]
        text = resolve(lock, project, constraints, upgrade)
        lock.write_text(text, encoding="utf-8", newline="\n")
        pins = "\n".join(line for line in text.splitlines() if not line.startswith("-e"))
        lock.with_suffix(".constraints").write_text(pins, encoding="utf-8")
        done.append(lock)
        print(f"{name}: {text.count('==')} pins")
    for path in done:
        path.with_suffix(".constraints").unlink()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
