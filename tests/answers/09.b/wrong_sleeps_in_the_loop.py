"""Wrong: psutil sleeps in the event loop. Says: event loop."""

import psutil


async def cpu_share(seconds):
    return psutil.cpu_percent(interval=seconds)


answer = cpu_share
