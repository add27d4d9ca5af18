"""Wrong: the use since the call before, without any wait. Says: returned after."""

import psutil


async def cpu_share(seconds):
    return psutil.cpu_percent(interval=None)


answer = cpu_share
