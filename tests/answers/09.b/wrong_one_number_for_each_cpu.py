"""Wrong: a list, one number for each CPU. Says: a number from 0 to 100."""

import asyncio

import psutil


async def cpu_share(seconds):
    return await asyncio.to_thread(psutil.cpu_percent, interval=seconds, percpu=True)


answer = cpu_share
