"""Wrong: a loop that waits without an await. Says: stood still."""

import time

import psutil


async def cpu_share(seconds):
    psutil.cpu_percent(interval=None)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return psutil.cpu_percent(interval=None)


answer = cpu_share
