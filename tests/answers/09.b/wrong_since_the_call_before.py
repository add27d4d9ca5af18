"""Wrong: psutil remembers the call before, whoever made it. Says: calls at the same time."""

import asyncio

import psutil


async def cpu_share(seconds):
    psutil.cpu_percent(interval=None)
    await asyncio.sleep(seconds)
    return psutil.cpu_percent(interval=None)


answer = cpu_share
