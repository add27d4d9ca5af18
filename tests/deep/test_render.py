"""`render` that is interrupted ends its kernel and leaves no page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.commands.running import ROOT
from tests.commands.test_render import write
from tests.homes import alive

WAIT = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(60)"
RENDER_AND_INTERRUPT = """
import _thread, sys, threading, time
from pathlib import Path
from labsupport.commands.failures import guarded
from labsupport.commands.render import render

def press_ctrl_c():
    pid = Path("notebooks", "pid")
    while not (pid.exists() and pid.read_text(encoding="utf-8")):
        time.sleep(0.1)
    _thread.interrupt_main()

threading.Thread(target=press_ctrl_c, daemon=True).start()
sys.exit(guarded(lambda: render(Path("notebooks"), Path("pages"), {})))
"""


def test_ctrl_c_ends_the_kernel_too(tmp_path: Path) -> None:
    write(tmp_path / "notebooks", "01_wait", "# Wait", WAIT)
    ended = subprocess.run(
        [sys.executable, "-c", RENDER_AND_INTERRUPT],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=50,
        check=False,
    )
    assert ended.returncode == 130, ended.stderr
    assert "Traceback" not in ended.stderr
    assert not alive(int((tmp_path / "notebooks" / "pid").read_text(encoding="utf-8")))
    assert not (tmp_path / "pages").exists()
