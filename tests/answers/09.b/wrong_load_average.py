"""Wrong: the load average, which looks back over a minute. Says: load average."""

import asyncio

import psutil


async def cpu_share(seconds):
    await asyncio.sleep(seconds)
    return min(100.0, psutil.getloadavg()[0] / psutil.cpu_count() * 100)


answer = cpu_share
