"""Right: asks the lab's own monitor."""

from labsupport.pooling import ConnectionHealthMonitor


async def diagnose(pool, timeout):
    status = await ConnectionHealthMonitor(pool, timeout=timeout).check()
    return status["reason"] if status["reason"] != "ok" else "ok"


answer = diagnose
