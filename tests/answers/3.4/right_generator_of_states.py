"""Right: as a function that makes the object, with a coroutine for the states."""

import asyncio
from types import SimpleNamespace


def states(fires_above, clears_below, for_seconds):
    """Take (time, utilization) again and again; give a text when there is one to send."""
    text = None
    while True:
        for message, sign, bound in (("firing", 1, fires_above), ("cleared", -1, clears_below)):
            due = None
            while True:
                now, value = yield text
                text = None
                if sign * (value - bound) <= 0:
                    due = None
                    continue
                due = now + for_seconds if due is None else due
                if now >= due:
                    break
            text = message


def pool_alert(pool, send, fires_above=0.8, clears_below=0.5, for_seconds=30.0, interval=1.0):
    machine = states(fires_above, clears_below, for_seconds)
    next(machine)
    tasks = []

    async def watch():
        loop = asyncio.get_running_loop()
        while True:
            lent = pool.get_size() - pool.get_idle_size()
            text = machine.send((loop.time(), lent / pool.get_max_size()))
            if text is not None:
                try:
                    send(text)
                except Exception as error:
                    print(f"Could not send {text!r}: {error!r}")
            await asyncio.sleep(interval)

    async def start():
        if not tasks:
            tasks.append(asyncio.create_task(watch()))

    async def stop():
        while tasks:
            task = tasks.pop()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return SimpleNamespace(start=start, stop=stop)


answer = pool_alert
