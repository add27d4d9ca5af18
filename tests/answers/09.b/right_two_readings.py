"""Right: two readings of the counters, and a pause of asyncio between them."""

import asyncio

import psutil


def reading():
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    return idle, sum(times[:8])


async def cpu_share(seconds):
    idle, total = reading()
    await asyncio.sleep(seconds)
    idle_later, total_later = reading()
    passed = total_later - total
    return 100 * (1 - (idle_later - idle) / passed) if passed else 0.0


answer = cpu_share
