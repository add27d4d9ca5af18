"""The process in which an answer runs: started fresh, bounded, and ended with all its children."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

import psutil

from labsupport.places import project_root

__all__ = ["AnswerProcess"]

LINES = 8
LINE_LENGTH = 160
END_LIMIT = 3


class AnswerProcess:
    """One `python -m labsupport.exercises.child`, seen from its parent."""

    def __init__(self, letter: Mapping[str, Any], variables: Mapping[str, str]) -> None:
        """Start it and hand over the letter: task, answer, server, and how to call back."""
        paths = [str(project_root()), *sys.path]
        environment = {
            **os.environ,
            **variables,
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "PYTHONUNBUFFERED": "1",
            "PYTHONIOENCODING": "utf-8",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "labsupport.exercises.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        self._family: dict[int, psutil.Process] = {}
        self._printed: list[str] = []
        self._unprinted = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(json.dumps(letter).encode() + b"\n")
            self._process.stdin.flush()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def printed(self) -> tuple[str, ...]:
        """The first lines that it printed, cut, and how many more there were."""
        more = (f"... and {self._unprinted:,} more lines",) if self._unprinted else ()
        return (*self._printed, *more)

    def memory(self) -> int:
        """Bytes of memory that it and its children use. Remembers the children for the end."""
        total = 0
        with contextlib.suppress(psutil.Error):
            me = psutil.Process(self._process.pid)
            for process in [me, *me.children(recursive=True)]:
                self._family[process.pid] = process
        for process in self._family.values():
            with contextlib.suppress(psutil.Error):
                total += process.memory_info().rss
        return total

    def end(self) -> None:
        """Kill it and everything that it started; returns within a few seconds."""
        self.memory()
        if os.name != "nt":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        for process in self._family.values():
            with contextlib.suppress(psutil.Error):
                process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_LIMIT)
        psutil.wait_procs(self._family.values(), timeout=END_LIMIT)
        self._reader.join(END_LIMIT)
        streams = [self._process.stdin]
        if not self._reader.is_alive():  # Somebody may hold the other end, and close() would wait.
            streams.append(self._process.stdout)
        for stream in streams:
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        fresh = True
        with contextlib.suppress(OSError, ValueError):
            # A line is read in pieces: an endless one must not fill the memory.
            while piece := self._process.stdout.readline(65536):
                if fresh and len(self._printed) < LINES:
                    text = piece.decode("utf-8", errors="replace").rstrip()
                    self._printed.append(text[:LINE_LENGTH])
                elif fresh:
                    self._unprinted += 1
                fresh = piece.endswith(b"\n")
