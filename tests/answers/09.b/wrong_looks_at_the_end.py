"""Wrong: sleeps, and looks at the last tenth of a second. Says: part of the time."""

import asyncio

import psutil


async def cpu_share(seconds):
    await asyncio.sleep(max(0, seconds - 0.1))
    return await asyncio.to_thread(psutil.cpu_percent, 0.1)


answer = cpu_share
