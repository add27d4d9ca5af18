"""Wrong: an idle connection is no answer. Says: refuses to store."""


async def diagnose(pool, timeout):
    stats = pool.get_pool_stats()
    if stats["size"] == 0:
        return "unreachable"
    return "ok" if stats["idle_count"] else "exhausted"


answer = diagnose
