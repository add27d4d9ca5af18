"""Right: asks the lab's own monitor, which has more words than four."""

from labsupport.pooling import ConnectionHealthMonitor

WORDS = ("ok", "exhausted", "read only")


async def diagnose(pool, timeout):
    status = await ConnectionHealthMonitor(pool, timeout=timeout).check()
    return status["reason"] if status["reason"] in WORDS else "unreachable"


answer = diagnose
