"""Wrong: a part between 0 and 1. Says: percent."""

import asyncio

import psutil


async def cpu_share(seconds):
    return await asyncio.to_thread(psutil.cpu_percent, seconds) / 100


answer = cpu_share
