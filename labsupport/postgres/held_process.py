"""A helper process that lives as long as another one holds its standard input.

The holder starts it with `HeldProcess` and asks it for things; the process itself hears them by
`listen_to_holder` and says what it has to say with `tell_holder`. Both speak JSON, an object a
line. When the holder is done or was killed, the input ends and the process with it, on any
platform.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from labsupport.errors import LabError
from labsupport.places import project_root

__all__ = ["HeldProcess", "listen_to_holder", "tell_holder"]

CLOSE_LIMIT = 60


class HeldProcess:
    """The holder's side: a process that lives until `close`, or until this process ends."""

    def __init__(
        self,
        module: str,
        *arguments: str,
        start_limit: float,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Run `python -m module arguments` and wait for its first words, `start_limit` seconds.

        `variables` are its whole environment; without them it inherits this process's.
        Raises `LabError` with its own sentence when these are `{"error": ...}`.
        """
        self._name = module.rpartition(".")[2]
        self._asking = threading.Lock()
        self._asked = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=project_root(),
            env=None if variables is None else dict(variables),
            start_new_session=True,
        )
        self._said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(
            target=_listen, args=(self._process.stdout, self._said.put), daemon=True
        ).start()
        try:
            self.first_words = self._next_words(time.monotonic() + start_limit)
        except LabError:
            self._process.kill()
            raise
        if "error" in self.first_words:
            self.close()
            raise LabError(str(self.first_words["error"]))

    @property
    def pid(self) -> int:
        """Process id of the helper process."""
        return self._process.pid

    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def ask(self, what: str, limit: float, **details: Any) -> dict[str, Any]:
        """Ask it to do `what` and return its answer, which has to come within `limit` seconds.

        Raises `LabError` with its own sentence, or when it does not answer.
        """
        with self._asking:
            self._asked += 1
            request = {"do": what, "number": self._asked, **details}
            stream = self._process.stdin
            assert stream is not None
            # If it has ended, its last words say so below.
            with contextlib.suppress(OSError, ValueError):
                stream.write(json.dumps(request).encode() + b"\n")
                stream.flush()
            deadline = time.monotonic() + limit
            answer: dict[str, Any] = {}
            # An answer that came too late for its own question is passed over.
            while answer.get("number") != self._asked:
                answer = self._next_words(deadline)
        if "error" in answer:
            raise LabError(str(answer["error"]))
        return answer

    def close(self) -> None:
        """End it and wait for that, with a limit."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(CLOSE_LIMIT)

    def _next_words(self, deadline: float) -> dict[str, Any]:
        try:
            words = self._said.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise LabError(
                f"The lab's process {self._name} ({self.pid}) does not answer. "
                "Run the cell that started it again."
            ) from None
        if words == ENDED:
            self._said.put(ENDED)
            raise LabError(
                f"The lab's process {self._name} ({self.pid}) has ended. "
                "Run the cell that started it again."
            )
        return words


ENDED: dict[str, Any] = {}
"""What is heard when the other side has closed its end."""


def listen_to_holder(hear: Callable[[dict[str, Any]], None]) -> None:
    """Call `hear` in a thread with each request, and with `{}` when the holder is gone."""
    # Ctrl-C in the holder's terminal is the holder's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Unbuffered: a buffered input may not be left in the middle of a read when Python ends.
    stream = os.fdopen(0, "rb", buffering=0, closefd=False)
    threading.Thread(target=_listen, args=(stream, hear), daemon=True).start()


def tell_holder(words: Mapping[str, Any]) -> None:
    """Say one object to the holder; a holder that is gone hears it no more."""
    with contextlib.suppress(OSError):
        print(json.dumps(words), flush=True)


def _listen(stream: Any, hear: Callable[[dict[str, Any]], None]) -> None:
    with contextlib.suppress(OSError, ValueError):
        for line in stream:
            if line.strip():
                hear(dict(json.loads(line)))
    hear(ENDED)
