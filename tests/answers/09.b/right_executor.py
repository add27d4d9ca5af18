"""Right: the call in a pool of threads of its own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psutil


async def cpu_share(seconds):
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as threads:
        return await loop.run_in_executor(threads, partial(psutil.cpu_percent, seconds))


answer = cpu_share
