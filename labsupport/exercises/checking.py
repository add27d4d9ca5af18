"""`check`: send an answer to a process of its own, watch what it does, and say what was seen."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from dataclasses import asdict
from typing import Any

import asyncpg

from labsupport.errors import LabError
from labsupport.exercises.keeping import record
from labsupport.exercises.packing import Unsuitable, pack, untouched
from labsupport.exercises.process import AnswerProcess
from labsupport.exercises.results import Result
from labsupport.exercises.spine import Task, find_task
from labsupport.exercises.stands import Stand, stand_for

__all__ = ["check"]

START_LIMIT = 30.0
"""Seconds until the process must be ready; on a machine with something left to do, one."""
ANSWER_LIMIT = 7.0
"""Seconds for everything that the check does with the answer."""
USUAL_START = 1.0
"""Seconds in which the process is ready on a machine that is not overloaded. All limits grow with
what it took, up to twice, so that a busy machine does not make a right answer a wrong one."""
MEMORY = 512 * 1024**2
"""Bytes that the process and its children may use."""
BLOCKED_AFTER = 1.5
LOOK_EVERY = 0.05
LINE_LIMIT = 2**20
OPERATIONS = ("sessions", "kill", "watch", "peak", "stop_server", "start_server", "make_login")


async def check(task_id: str, answer: Any) -> Result:
    """Try out an answer, a class or a function, and return what came of it.

    It runs in a process of its own against a real PostgreSQL and is ended after 10 s at most.
    Raises `LabError` for an id that does not exist, or when there is no server to try it on.
    """
    task = find_task(task_id)
    if untouched(answer):
        result = Result(
            task_id,
            "not attempted",
            f"{task.answer} has no body yet. Write it, then run this cell again.",
        )
    else:
        try:
            result = await _try(task, pack(answer))
        except Unsuitable as error:
            result = Result(task_id, "not yet", str(error))
    record(result)
    return result


async def _try(task: Task, packed: bytes) -> Result:
    async with stand_for(task.server) as stand:
        conversation = Conversation(stand)
        listener = await asyncio.start_server(conversation.hold, "127.0.0.1", 0, limit=LINE_LIMIT)
        letter = {
            "task": task.id,
            "answer": base64.b64encode(packed).decode("ascii"),
            "server": asdict(stand.server),
            "database": stand.database,
            "port": listener.sockets[0].getsockname()[1],
            "token": conversation.token,
        }
        process = await asyncio.to_thread(AnswerProcess, letter, _tls(stand))
        try:
            verdict = await _wait(conversation, process)
        finally:
            listener.close()
            conversation.close()
            await asyncio.to_thread(process.end)
    if "broken" in verdict:
        raise LabError(f"The check could not be carried out ({verdict['broken']}). Try again.")
    if verdict["outcome"] == "correct":
        return Result(task.id, "correct", task.why, verdict["observed"], process.printed())
    return Result(task.id, "not yet", verdict["message"], printed=process.printed())


def _tls(stand: Stand) -> dict[str, str]:
    """What makes asyncpg in the child treat TLS as the lab does."""
    variables = {"PGSSLMODE": stand.server.ssl_mode}
    if stand.server.ssl_ca:
        variables["PGSSLROOTCERT"] = stand.server.ssl_ca
    return variables


async def _wait(conversation: Conversation, process: AnswerProcess) -> dict[str, Any]:
    """Return the child's verdict, or one about why there is none."""
    started = time.monotonic()
    while conversation.verdict is None:
        await asyncio.sleep(LOOK_EVERY)
        now = time.monotonic()
        if process.exit_code is not None and conversation.verdict is None:
            await asyncio.sleep(LOOK_EVERY * 4)  # What it said last may be on its way.
            return conversation.verdict or _ended(conversation, process)
        if process.memory() > MEMORY:
            return _not_yet(
                f"during {conversation.stage}, your code used more than {MEMORY // 1024**2} MB "
                "of memory.",
                "that it keeps what it needs and no more.",
                "what grows: a list, a loop without an end",
            )
        if conversation.ready_at is None:
            if now - started > START_LIMIT:
                return {"broken": f"the process was not ready within {START_LIMIT:g} s"}
        elif now - conversation.ready_at > ANSWER_LIMIT * conversation.slowness:
            return _too_long(conversation, now)
    return conversation.verdict


def _ended(conversation: Conversation, process: AnswerProcess) -> dict[str, Any]:
    if conversation.ready_at is None:
        return {"broken": "the process ended at once: " + " / ".join(process.printed()[-3:])}
    return _not_yet(
        f"during {conversation.stage}, the process ended (exit code {process.exit_code}).",
        "that your code returns or raises an ordinary exception.",
        "calls such as os._exit() or os.kill()",
    )


def _too_long(conversation: Conversation, now: float) -> dict[str, Any]:
    if now - conversation.beat_at > BLOCKED_AFTER:
        return _not_yet(
            f"during {conversation.stage}, the event loop was blocked for more than "
            f"{now - conversation.beat_at:.0f} s.",
            "that your code awaits whatever takes time.",
            "time.sleep(), and loops without an await",
        )
    return _not_yet(
        f"{conversation.stage} was still going on after "
        f"{ANSWER_LIMIT * conversation.slowness:.0f} s.",
        "that every wait has a limit.",
        "what your code waits for, and whether it lets itself be cancelled",
    )


def _not_yet(saw: str, expected: str, look: str) -> dict[str, Any]:
    message = f"Seen: {saw} Expected: {expected} Look again at {look}."
    return {"outcome": "not yet", "message": message}


class Conversation:
    """The parent's end of the channel: does what the child asks for, and remembers what it said."""

    def __init__(self, stand: Stand) -> None:
        self.token = secrets.token_hex(16)
        self.verdict: dict[str, Any] | None = None
        self.stage = "loading your code"
        self.ready_at: float | None = None
        self.started_at = self.beat_at = time.monotonic()
        self.slowness = 1.0
        """How many times slower than usual this machine is now, from 1 to 2."""
        self._stand = stand
        self._tasks: set[asyncio.Task[Any]] = set()

    def close(self) -> None:
        """Answer no more."""
        for task in self._tasks:
            task.cancel()

    async def hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read the child's lines until it is gone."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._listen(reader, writer)
        except (OSError, ValueError, asyncio.CancelledError):
            pass  # It was ended in the middle of a line, or was never our child.
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if json.loads(await reader.readline() or "{}").get("token") != self.token:
            return
        while line := await reader.readline():
            message = json.loads(line)
            if "op" in message:
                reply = await self._do(message.pop("op"), message)
                writer.write(json.dumps(reply).encode() + b"\n")
            elif "beat" in message:
                self.beat_at = time.monotonic()
            elif "stage" in message:
                self.stage = message["stage"]
            elif "verdict" in message:
                self.verdict = message["verdict"]

    async def _do(self, op: str, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            if op == "ready":
                self._stand.database = arguments["database"]
                await self._stand.open()
                self.ready_at = self.beat_at = time.monotonic()
                took = (self.ready_at - self.started_at) / USUAL_START
                self.slowness = min(2.0, max(1.0, took))
                return {"value": self.slowness}
            if op in OPERATIONS:
                return {"value": await getattr(self._stand, op)(**arguments)}
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, LabError) as error:
            return {"error": f"{op}: {type(error).__name__}: {error}"}
        return {"error": f"{op!r} is nothing that can be asked for"}
