"""Wrong: looks at the first tenth of a second and sleeps for the rest. Says: part of the time."""

import asyncio

import psutil


async def cpu_share(seconds):
    share = await asyncio.to_thread(psutil.cpu_percent, 0.1)
    await asyncio.sleep(max(0, seconds - 0.1))
    return share


answer = cpu_share
