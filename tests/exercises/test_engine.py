"""Whatever an answer does: a sentence in time, nothing left behind, this process unharmed."""

from __future__ import annotations

import asyncio
import functools
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from labsupport.errors import LabError
from labsupport.exercises import Result, check, checking
from labsupport.exercises.packing import Unsuitable, pack, untouched
from labsupport.exercises.spine import Task, find_task
from labsupport.places import project_root
from labsupport.postgres import find_server
from tests.homes import alive, children_naming, wait_until

GENEROUS = 60
"""Seconds; this machine may be busy, and the engine's own limits are far below."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shorter limit: hostile answers use all of it."""
    assert checking.ANSWER_LIMIT <= 7.5  # With a server and a process to start: 10 s.
    monkeypatch.setattr(checking, "ANSWER_LIMIT", 3.5)


def children() -> set[int]:
    """The processes that have come of this one and were not there before."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        if alive(child.pid):
            found.add(child.pid)
    return found


async def databases() -> set[str]:
    """The names of the server's databases."""
    connection = await asyncpg.connect(**(await find_server()).arguments())
    try:
        rows = await connection.fetch("SELECT datname FROM pg_database")
    finally:
        await connection.close()
    return {row["datname"] for row in rows if "template" not in row["datname"]}


def in_main(source: str) -> Any:
    """The object `answer` of `source`, as if a notebook's cell had defined it."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "<cell of a notebook>", "exec"), space)
    return space["answer"]


async def outcome(source: str, task_id: str = "1.4") -> Result:
    """What comes of an answer; fails when anything is left of it."""
    await find_server()  # Its first start is no part of the answer's time.
    before, known = children(), await databases()
    started = time.monotonic()
    result = await asyncio.wait_for(check(task_id, in_main(source)), GENEROUS)
    print(f"{time.monotonic() - started:.1f} s: {result}")
    wait_until(lambda: children() <= before, f"processes left: {children() - before}")
    assert await databases() == known
    return result


HOSTILE = {
    "waits for ever": (
        "import asyncio\nasync def answer(pool, queries): await asyncio.Event().wait()",
        "had not ended",
    ),
    "cannot be cancelled": (
        "import asyncio\nasync def answer(pool, queries):\n    while True:\n        try:\n"
        "            await asyncio.sleep(60)\n        except BaseException: pass",
        "still going on",
    ),
    "blocks the loop": (
        "import time\nasync def answer(pool, queries): time.sleep(60)",
        "the event loop was blocked",
    ),
    "loops": (
        "async def answer(pool, queries):\n    while True: pass",
        "the event loop was blocked",
    ),
    "exits": ("import sys\nasync def answer(pool, queries): sys.exit(0)", "ended the program"),
    "exits at once": ("import os\nasync def answer(pool, queries): os._exit(0)", "exit code 0"),
    "kills itself": (
        "import os, signal\nasync def answer(pool, queries): os.kill(os.getpid(), signal.SIGTERM)",
        "the process ended",
    ),
    "is hungry": (
        "async def answer(pool, queries):\n    keep = []\n    while True:\n"
        "        keep.append(bytearray(5_000_000))",
        "memory",
    ),
    "is greedy": (
        "async def answer(pool, queries): return bytearray(10**13)",
        "MemoryError",
    ),
    "raises": (
        "async def answer(pool, queries):\n    raise ValueError('so there')",
        "raised ValueError in line 2 of your code: so there",
    ),
    "recurses": (
        "async def answer(pool, queries): return await answer(pool, queries)",
        "Recursion",
    ),
    "returns nonsense": ("async def answer(pool, queries): return 7", "returned 7"),
    "takes other arguments": ("async def answer(queries): return []", "TypeError"),
    "closes the channel": (
        "import os\nasync def answer(pool, queries):\n    os.closerange(3, 200)\n    return [1]",
        "",
    ),
    "reads the keyboard": ("async def answer(pool, queries): return [input()]", "EOFError"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_answers_get_a_sentence_and_leave_nothing(
    exercise_home: Path, name: str
) -> None:
    source, expected = HOSTILE[name]
    result = await outcome(source)
    assert result.outcome == "not yet"
    assert expected in result.message


async def test_prints_by_the_thousand_are_cut(exercise_home: Path) -> None:
    result = await outcome(
        "async def answer(pool, queries):\n    for n in range(200_000): print(n, 'x' * 50)\n"
        "    return [1]"
    )
    assert result.outcome == "not yet"
    assert len(result.printed) < 12
    assert result.printed[0].startswith("0 xxx")
    assert "more lines" in result.printed[-1]


async def test_a_child_of_an_answer_is_ended_too(exercise_home: Path) -> None:
    result = await outcome(
        "import asyncio, subprocess, sys\nasync def answer(pool, queries):\n"
        "    command = [sys.executable, '-c', 'import time; time.sleep(300)']\n"
        "    started = subprocess.Popen(command, start_new_session=True)\n"
        "    await asyncio.sleep(0.5)\n    return started.pid"
    )
    returned = re.search(r"returned (\d+)", result.message)
    assert returned, result
    pid = int(returned.group(1))
    wait_until(lambda: not alive(pid), "the process that the answer has started has ended")


async def test_a_leaked_pool_is_seen_and_its_sessions_are_ended(exercise_home: Path) -> None:
    result = await outcome(
        "import asyncpg\nclass answer:\n"
        "    pool = None\n"
        "    async def initialize(self, **all):\n"
        "        self.pool = await asyncpg.create_pool(**all)\n"
        "    async def fetchval(self, *args):\n"
        "        if not self.pool: raise RuntimeError('closed')\n"
        "        return await self.pool.fetchval(*args)\n"
        "    async def close(self): self.pool = None\n",
        "1.1",
    )
    assert result.outcome == "not yet"
    assert "sessions were still open after close()" in result.message


async def test_a_cancelled_check_leaves_nothing(exercise_home: Path, tmp_path: Path) -> None:
    await find_server()
    before, known = children(), await databases()
    begun = tmp_path / "begun"
    source = (
        "import asyncio, pathlib\n"
        "async def answer(pool, queries):\n"
        f"    pathlib.Path({str(begun)!r}).touch()\n"
        "    await asyncio.Event().wait()"
    )
    task = asyncio.create_task(check("1.4", in_main(source)))
    async with asyncio.timeout(GENEROUS):
        while not begun.exists():
            await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, GENEROUS)
    wait_until(lambda: children() <= before, "the answer's process has ended")
    assert await databases() == known


KERNEL = """
import asyncio
from labsupport.exercises import check
async def answer(pool, queries):
    await asyncio.sleep(3600)
asyncio.run(check("1.4", answer))
"""


async def test_a_killed_kernel_takes_the_answer_with_it(exercise_home: Path, work: Path) -> None:
    await find_server()
    kernel = subprocess.Popen([sys.executable, "-c", KERNEL], cwd=project_root())
    seen: list[psutil.Process] = []

    def runs_an_answer() -> bool:
        seen[:] = children_naming("labsupport.exercises.child", kernel.pid)
        return bool(seen)

    try:
        wait_until(runs_an_answer, "the answer's process has started")
    finally:
        kernel.kill()
        kernel.wait(GENEROUS)
    wait_until(lambda: not alive(seen[0].pid), "the answer's process has ended")


async def test_the_event_loop_of_the_notebook_goes_on_meanwhile(exercise_home: Path) -> None:
    await find_server()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.05)
            ticks += 1

    ticking = asyncio.create_task(tick())
    source = "import time\nasync def answer(pool, queries): time.sleep(60)"
    await check("1.4", in_main(source))
    ticking.cancel()
    assert ticks > checking.ANSWER_LIMIT  # More than one a second, on however busy a machine.


def test_wrong_kinds_are_named() -> None:
    async def coroutine() -> None: ...

    class Thing:
        def method(self) -> int:
            return 1

    with pytest.raises(Unsuitable, match="coroutine object"):
        pack(coroutine())
    with pytest.raises(Unsuitable, match="object of the class Thing"):
        pack(Thing())
    for fine in (Thing, coroutine, functools.partial(coroutine), contextlib_made()):
        assert pack(fine)


def contextlib_made() -> Any:
    """A function that a decorator of contextlib has made."""
    return in_main(
        "import contextlib\n@contextlib.asynccontextmanager\n"
        "async def answer(): yield 1\n"
    )  # fmt: skip


async def test_an_answer_that_holds_something_alive_is_refused(work: Path) -> None:
    pool = asyncpg.create_pool(host="127.0.0.1", port=1)
    space: dict[str, Any] = {"__name__": "__main__", "open_pool": pool}
    exec("async def answer(pool, queries): return await open_pool.fetch(queries[0])", space)
    result = await check("1.4", space["answer"])
    assert result.outcome == "not yet"
    assert "cannot be sent" in result.message


UNTOUCHED = (
    "answer = None",
    "async def answer(pool, queries): ...",
    "def answer(pool):\n    'What it does.'\n    pass",
    "def answer(pool): raise NotImplementedError",
    "class answer:\n    'What it is.'\n    size = 3\n    def __init__(self): ...\n"
    "    @property\n    def rows(self): ...\n    async def start(self): ...",
)
TOUCHED = (
    "def answer(rate, seconds): return rate * seconds",
    "def answer(rate): return 5",
    "def answer(rate): return rate",
    "class answer:\n    def a(self): ...\n    async def b(self): return await self.x()",
    "class answer(dict): pass",
    "async def answer(pool): raise NotImplementedError('not here')",
)


@pytest.mark.parametrize("source", UNTOUCHED)
async def test_what_was_not_begun_is_not_attempted(source: str, work: Path) -> None:
    answer = in_main(source)
    assert untouched(answer)
    assert (await check("1.1", answer)).outcome == "not attempted"
    assert not (work / "progress.json").exists()


@pytest.mark.parametrize("source", TOUCHED)
def test_what_was_begun_is_an_attempt(source: str) -> None:
    assert not untouched(in_main(source))


async def test_an_unknown_exercise_is_answered_with_the_known_ones() -> None:
    with pytest.raises(LabError, match=r"1\.1, 1\.2"):
        await check("9.9", None)


async def test_without_a_server_it_says_so(
    exercise_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_HOST", "127.0.0.1")
    monkeypatch.setenv("DB_PORT", "1")
    with pytest.raises(LabError):
        await check("1.4", in_main("async def answer(pool, queries): return []"))


def test_code_in_a_text_is_shown_as_code() -> None:
    result = Result("1.1", "not yet", "Seen: `a < b`, and a ` alone.")
    assert "Seen: <code>a &lt; b</code>, and a ` alone." in result._repr_html_()


def test_results_read_well_in_both_places() -> None:
    result = Result("1.1", "not yet", "Seen: <b>.", {"sessions": 3}, ("hello",))
    assert "[not yet] Exercise 1.1. Seen: <b>." in repr(result)
    assert "sessions: 3" in repr(result) and "printed: hello" in repr(result)
    shown = result._repr_html_()
    assert "&lt;b&gt;" in shown and "<b>" not in shown
    assert "<div>Your code printed:</div><pre>hello</pre>" in shown
    with pytest.raises(AttributeError):
        result.outcome = "correct"  # type: ignore[misc]


def test_the_spine_finds_what_is_there() -> None:
    task = find_task("1.1")
    assert isinstance(task, Task)
    assert callable(task.load_check())
    assert "__all__" not in task.solution_code and "mypy" not in task.solution_code
    assert os.path.exists(task.solution_file)
