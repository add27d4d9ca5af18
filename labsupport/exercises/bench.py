"""What a check works with: it calls the answer with a limit, and looks on from outside."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from labsupport.exercises.channel import Channel

__all__ = ["LOOK_EVERY", "Bench", "NotYet", "Session"]

CALL_LIMIT = 3.0
LOOK_EVERY = 0.02


class NotYet(Exception):
    """The answer does not do yet what the task asks for. The text is for the learner."""

    def __init__(self, saw: str, expected: str, look: str) -> None:
        super().__init__(f"Seen: {saw} Expected: {expected} Look again at {look}.")


@dataclass(frozen=True)
class Session:
    """A session of the answer, as the server sees it."""

    pid: int
    state: str
    query: str
    application_name: str
    wait_event: str


class Bench:
    """The server, the onlooker, and careful ways to call what a learner wrote."""

    def __init__(
        self, channel: Channel, where: dict[str, Any], files: set[str], slowness: float
    ) -> None:
        self.where = where
        """host, port, database, user, password."""
        self._channel = channel
        self._files = files
        self._slowness = slowness
        self.blocking_sleeps = 0
        """How often `time.sleep` was called where the event loop runs, by whomever."""
        self._watch_sleep()

    def _watch_sleep(self) -> None:
        """Count calls of `time.sleep` in this thread; other threads may sleep as they like."""
        sleep, here = time.sleep, threading.get_ident()

        def counted(seconds: Any) -> None:
            self.blocking_sleeps += threading.get_ident() == here
            sleep(seconds)

        time.sleep = counted

    def stage(self, text: str) -> None:
        """Say what is being done, for a message should it never end."""
        self._channel.tell(stage=text)

    async def run(
        self, what: str, call: Callable[[], Any], *, limit: float = CALL_LIMIT, look: str = ""
    ) -> Any:
        """Call, await what came back if it can be awaited, and return the result.

        Raises `NotYet` for an exception and after `limit` seconds. `what` is the call as the
        learner would write it.
        """
        self.stage(what)
        limit *= self._slowness
        look = look or "what that call does"
        try:
            async with asyncio.timeout(limit) as timer:
                value = call()
                # An object that was just made may be awaitable, such as a pool: it is not a result.
                made = isinstance(call, type)
                return await value if inspect.isawaitable(value) and not made else value
        except TimeoutError as error:
            if timer.expired():
                raise NotYet(
                    f"{what} had not ended after {limit:.0f} s.", "that it ends.", look
                ) from error
            raise self.failed(what, error, look) from error
        except NotYet:
            raise
        except Exception as error:
            raise self.failed(what, error, look) from error

    async def must_raise(
        self,
        what: str,
        call: Callable[[], Any],
        kinds: type[BaseException] | tuple[type[BaseException], ...],
        *,
        expected: str,
        look: str,
        limit: float = CALL_LIMIT,
    ) -> BaseException:
        """Call and return the exception, which has to be one of `kinds`; else `NotYet`."""
        self.stage(what)
        limit *= self._slowness
        try:
            async with asyncio.timeout(limit) as timer:
                value = call()
                value = await value if inspect.isawaitable(value) else value
        except Exception as error:
            if isinstance(error, TimeoutError) and timer.expired():
                raise NotYet(
                    f"{what} had not ended after {limit:.0f} s.", expected, look
                ) from error
            if isinstance(error, kinds):
                return error
            raise NotYet(self._told(what, error), expected, look) from error
        raise NotYet(f"{what} raised nothing and returned {_short(value)}.", expected, look)

    def failed(self, what: str, error: BaseException, look: str) -> NotYet:
        """Make a `NotYet` of an exception that a call should not have raised."""
        return NotYet(self._told(what, error), "that it raises nothing.", look)

    def _told(self, what: str, error: BaseException) -> str:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename in self._files]
        at = f" in line {lines[-1]} of your code" if lines else ""
        text = " ".join(str(error).split())[:300] or "without a text"
        return f"{what} raised {type(error).__name__}{at}: {text.rstrip('.')}."

    async def sessions(self) -> list[Session]:
        """Return the answer's sessions at the server now."""
        return [Session(**row) for row in await self._channel.ask("sessions")]

    async def session_count(self, low: int, high: int | None = None, limit: float = 2.0) -> int:
        """Wait until there are `low` (to `high`) sessions; return how many there are at the end."""
        count = len(await self.sessions())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit * self._slowness):
                while not low <= count <= (high or low):
                    await asyncio.sleep(LOOK_EVERY)
                    count = len(await self.sessions())
        return count

    async def no_sessions(self, after: str, look: str) -> None:
        """Refuse an answer that leaves sessions open."""
        left = await self.session_count(0)
        self.expect(
            left == 0,
            f"{left} sessions were still open after {after}.",
            "none, because the server has to know that they are not needed any more.",
            look,
        )

    async def kill(self, *pids: int) -> None:
        """End these sessions from outside, all when none is named."""
        wanted = list(pids) or [session.pid for session in await self.sessions()]
        await self._channel.ask("kill", pids=wanted)

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[dict[str, int]]:
        """Give a dictionary that holds, after the block, the peaks `sessions` and `active`."""
        peaks: dict[str, int] = {}
        await self._channel.ask("watch")
        try:
            yield peaks
        finally:
            peaks.update(await self._channel.ask("peak"))

    async def stop_server(self) -> None:
        """Stop the throwaway server."""
        await self._channel.ask("stop_server")

    async def start_server(self) -> None:
        """Start it again where it was."""
        await self._channel.ask("start_server")

    async def make_login(self, user: str, password: str) -> None:
        """Create a role at the throwaway server."""
        await self._channel.ask("make_login", user=user, password=password)

    @contextlib.asynccontextmanager
    async def pool(self, size: int, **options: Any) -> AsyncIterator[Any]:
        """Give a plain asyncpg pool of exactly `size` connections, for answers that take one."""
        pool = await asyncpg.create_pool(
            **{**self.where, "min_size": size, "max_size": size, **options}
        )
        try:
            yield pool
        finally:
            pool.terminate()

    async def all_returned(self, pool: Any, after: str, look: str, limit: float = 1.5) -> None:
        """Refuse an answer that keeps a connection of the check's pool."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit * self._slowness):
                while pool.get_size() != pool.get_idle_size():
                    await asyncio.sleep(LOOK_EVERY)
        kept = pool.get_size() - pool.get_idle_size()
        self.expect(
            kept == 0,
            f"after {after}, {kept} of {pool.get_size()} connections were not released.",
            "that every connection goes back to the pool, whatever happens.",
            look,
        )

    def expect(self, holds: bool, saw: str, expected: str, look: str) -> None:
        """Raise `NotYet` unless `holds`."""
        if not holds:
            raise NotYet(saw, expected, look)

    def needs(self, thing: Any, names: tuple[str, ...], what: str) -> None:
        """Refuse an object that lacks a method which the task names."""
        missing = [name for name in names if not callable(getattr(thing, name, None))]
        self.expect(
            not missing,
            f"{what} has no method {' and no '.join(missing)}.",
            f"the methods {', '.join(names)}.",
            "the names that the task gives, and whether anything is returned",
        )

    async def until(self, holds: Callable[[], Any], limit: float = 3.0) -> bool:
        """Wait until `holds()`; return whether it did within `limit` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit * self._slowness):
                while not holds():
                    await asyncio.sleep(LOOK_EVERY)
                return True
        return bool(holds())

    async def must_be_cancelled(self, what: str, task: asyncio.Task[Any], look: str) -> None:
        """Cancel the task and refuse one that does not end as cancelled."""
        self.stage(what)
        task.cancel()
        await asyncio.wait({task}, timeout=CALL_LIMIT * self._slowness)
        ended = "went on" if not task.done() else "ended as if nothing had happened"
        self.expect(
            task.done() and task.cancelled(),
            f"{what} was cancelled, and it {ended}.",
            "that asyncio.CancelledError reaches whoever awaits it.",
            look,
        )

    def no_blocking_sleep(self, during: str) -> None:
        """Refuse an answer in which `time.sleep` has stopped the event loop."""
        self.expect(
            self.blocking_sleeps == 0,
            f"during {during}, time.sleep was called {self.blocking_sleeps} times, and the whole "
            "event loop stood still.",
            "that everything else goes on meanwhile.",
            "whatever waits without an await; some functions of libraries do so too",
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
