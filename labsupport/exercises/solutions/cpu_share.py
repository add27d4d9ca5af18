"""Exercise 09.b: how busy the CPUs are, without stopping the event loop."""

import asyncio

import psutil

__all__ = ["cpu_share"]


async def cpu_share(seconds):
    """Return how busy the CPUs were in these seconds, in percent."""
    # The call sleeps, so it does that in a thread.
    return await asyncio.to_thread(psutil.cpu_percent, interval=seconds)
