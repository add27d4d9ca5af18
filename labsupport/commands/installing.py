"""Run pip on a lock: one line of progress, its full output in a log, and causes in plain words."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from labsupport.errors import LabError

__all__ = ["explain_failure", "install_lock", "packages_in_lock", "run_logged"]

PIP_LIMIT = 1800.0
SECONDS_BETWEEN_LINES = 5.0
"""Without a terminal, where a line cannot change."""

CAUSES = (
    (
        (
            "No space left on device",
            "There is not enough space on the disk",
            "Disk quota exceeded",
            "File too large",
        ),
        "the disk is full, or your share of it is; free about 1 GB and start again",
    ),
    (
        ("CERTIFICATE_VERIFY_FAILED", "SSLError"),
        "the certificate of the package index was not accepted; on a network with its own "
        "certificate set PIP_CERT to it and start again",
    ),
    (
        (
            "Failed to establish a new connection",
            "Temporary failure in name resolution",
            "Name or service not known",
            "getaddrinfo failed",
            "NameResolutionError",
            "NewConnectionError",
            "ConnectTimeoutError",
            "Max retries exceeded",
            "Read timed out",
            "Connection reset by peer",
            "ProxyError",
            "Network is unreachable",
        ),
        "the package index cannot be reached; check the network or the proxy and start again "
        "(without network: put the wheels into the folder wheels/ of the clone)",
    ),
    (
        ("Permission denied", "Access is denied", "Read-only file system"),
        "a file may not be written; make the clone writable for you, "
        "or copy it to a folder of your own",
    ),
    (
        ("No matching distribution found", "Could not find a version"),
        "a package of the lock is not there for this Python or this machine; "
        "use Python 3.11 to 3.14, check the network, or complete the folder that PIP_FIND_LINKS "
        "or wheels/ names",
    ),
)


def install_lock(
    python: str,
    root: str,
    lock: str,
    log: str,
    before_change: Callable[[], None],
    keep_open: tuple[int, ...] = (),
) -> None:
    """Install the file `lock` of the clone `root` with the pip of `python`.

    A folder `wheels/` in the clone is tried alone first, then together with the index.
    `before_change` is called when pip begins to change what is installed. `keep_open` are
    descriptors that pip inherits. Raises `LabError` with the likely cause and the log's path.
    """
    # -u: a line must arrive when pip writes it. The rest of pip's environment is the user's own.
    pip = [python, "-u", "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    pip += ["--progress-bar", "off", "-r", lock]
    attempts = [pip]
    wheels = os.path.join(root, "wheels")
    if os.path.isdir(wheels):
        attempts = [[*pip, "--no-index", "--find-links", wheels], [*pip, "--find-links", wheels]]
    total = packages_in_lock(os.path.join(root, lock))
    said = ""
    for command in attempts:
        progress = _Progress(total, before_change)
        try:
            code, said = run_logged(command, root, log, progress.see, keep_open)
        finally:
            progress.end()
        if code == 0:
            return
    raise LabError(
        f"The packages could not be installed: {explain_failure(said)}. What pip said is in {log}."
    )


def packages_in_lock(path: str) -> int:
    """Count the packages that a lock names; those for other platforms count too."""
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    return len({line.split("=")[0] for line in lines if line and line[0] not in "#-"})


def explain_failure(output: str) -> str:
    """Return the likely cause of a failure, read from the output of pip or venv."""
    for signs, cause in CAUSES:
        if any(sign in output for sign in signs):
            return cause
    errors = [line for line in output.splitlines() if line.strip().startswith("ERROR")]
    last = (errors or output.splitlines() or ["it ended without a word"])[-1].strip()
    return last.rstrip(".")[:300]


def run_logged(
    command: list[str],
    folder: str,
    log: str,
    see: Callable[[str], None] = lambda line: None,
    keep_open: tuple[int, ...] = (),
    limit: float = PIP_LIMIT,
) -> tuple[int, str]:
    """Run `command` in `folder`, append its output to `log`; return its exit code and output.

    `see` is called with each line. After `limit` seconds the command is ended.
    """
    inherited = {} if os.name == "nt" else {"pass_fds": keep_open}
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        **inherited,  # type: ignore[call-overload]
    )
    watchdog = threading.Timer(limit, process.kill)
    watchdog.start()
    lines = []
    try:
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"$ {' '.join(command)}\n")
            for line in process.stdout:
                file.write(line)
                lines.append(line)
                see(line.rstrip())
        return process.wait(timeout=limit), "".join(lines)
    finally:
        watchdog.cancel()
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Let an interrupted process end by itself for a moment, then end it."""
    try:
        process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=10)


class _Progress:
    """Turns pip's lines into one line that changes, or a few plain lines without a terminal."""

    def __init__(self, total: int, before_change: Callable[[], None]) -> None:
        self._total = total
        self._before_change = before_change
        self._found = self._fetched = 0
        self._start = self._last = time.monotonic()
        self._width = 0
        self._on_terminal = sys.stderr.isatty()

    def see(self, line: str) -> None:
        word = line.strip()
        if word.startswith("Installing collected packages"):
            self._before_change()
            self._show("installing them; this takes up to a minute", at_once=True)
        elif word.startswith(("Collecting ", "Requirement already satisfied: ")):
            self._found += 1
            self._show_counts()
        elif word.startswith(("Downloading ", "Using cached ")) and ".metadata" not in word:
            self._fetched += 1
            self._show_counts()

    def end(self) -> None:
        if self._on_terminal and self._width:
            print(file=sys.stderr, flush=True)

    def _show_counts(self) -> None:
        of_all = f" of about {self._total}" if self._total >= self._found else ""
        self._show(f"{self._found}{of_all} packages found, {self._fetched} fetched")

    def _show(self, text: str, at_once: bool = False) -> None:
        now = time.monotonic()
        text = f"  {text} ({now - self._start:.0f} s)"
        if self._on_terminal:
            print("\r" + text.ljust(self._width), end="", file=sys.stderr, flush=True)
            self._width = len(text)
        elif at_once or now - self._last >= SECONDS_BETWEEN_LINES:
            print(text, file=sys.stderr, flush=True)
            self._last = now
