"""Right: looks at one slice after the other, and weighs each by its length."""

import asyncio
import time

import psutil


async def cpu_share(seconds):
    slices = []
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0.01:
        length = min(0.25, left)
        slices.append((length, await asyncio.to_thread(psutil.cpu_percent, length)))
    return sum(length * share for length, share in slices) / sum(length for length, _ in slices)


answer = cpu_share
