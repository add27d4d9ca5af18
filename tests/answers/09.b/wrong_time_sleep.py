"""Wrong: time.sleep between two readings. Says: time.sleep."""

import time

import psutil


async def cpu_share(seconds):
    psutil.cpu_percent(interval=None)
    time.sleep(seconds)
    return psutil.cpu_percent(interval=None)


answer = cpu_share
