"""The parent's end of a helper process: start it, talk to it with limits, and end it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from typing import Any, TypeVar

from labsupport.errors import LabError
from labsupport.measuring.process_link import Failed, read_all, send

__all__ = ["Child"]

CHILD = "labsupport.measuring.process_child"
GONE = "gone"
END_SECONDS = 5.0
T = TypeVar("T")


class Child:
    """One helper process. `label` names it in errors: "process 2 of 4"."""

    def __init__(self, label: str) -> None:
        self.label = label
        self._loop = asyncio.get_running_loop()
        self._answers: asyncio.Queue[Any] = asyncio.Queue()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 (closed in `end`)
        # It imports what this process can import, functions of a script's folder among it.
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-m", CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env={**os.environ, "PYTHONPATH": path},
            # Not in our group: Ctrl-C and Jupyter's stop button are for this process alone.
            start_new_session=os.name != "nt",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        read_all(self._process.stdout, self._take)
        self._take(GONE)

    def _take(self, message: Any) -> None:
        # The loop is closed when somebody gave up and left.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._answers.put_nowait, message)

    def tell(self, message: Any) -> None:
        """Send a message; a child that is gone says so when it is asked for its answer."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            send(self._process.stdin, message)

    async def answer(self, kind: type[T], seconds: float) -> T:
        """The next answer, which is of this kind.

        Raises LabError when the child has failed, is gone, or says nothing for so many seconds.
        """
        try:
            async with asyncio.timeout(seconds):
                message = await self._answers.get()
        except TimeoutError:
            raise LabError(
                f"The {self.label} did not answer within {seconds:.0f} s: its request or its "
                "prepare blocks, or this machine is too busy. Try fewer processes."
            ) from None
        if isinstance(message, Failed):
            failure = LabError(f"The {self.label} failed: {message.error}")
            failure.add_note(message.details)
            raise failure
        if isinstance(message, kind) and message != GONE:
            return message
        raise LabError(f"The {self.label} ended by itself. {self._last_words()}".rstrip())

    def _last_words(self) -> str:
        """Its exit code and the last line that it wrote to standard error."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=END_SECONDS)
        self._complaints.seek(0)
        lines = self._complaints.read().decode("utf-8", errors="replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
        return f"Its exit code was {self._process.returncode}, its last words: {said}"

    def end(self) -> None:
        """End the process if it has not ended by itself. This waits for it, some seconds at most.

        Its sessions end with it: the server notices that nobody is left.
        """
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=END_SECONDS)
        self._reader.join(timeout=END_SECONDS)
        for stream in (self._process.stdin, self._process.stdout, self._complaints):
            assert stream is not None
            with contextlib.suppress(OSError):
                stream.close()
