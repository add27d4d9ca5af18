"""Wrong: looks at the latencies of those that were answered, and not at who failed. Says: chose."""


async def choose_size(run, target_ms, most):
    runs = {}
    low, high = 0, most
    runs[most] = await run(most)
    if runs[most].p99_ms is None or runs[most].p99_ms > target_ms:
        return None, runs
    while high - low > 1:
        middle = (low + high) // 2
        runs[middle] = await run(middle)
        if runs[middle].p99_ms is not None and runs[middle].p99_ms <= target_ms:
            high = middle
        else:
            low = middle
    return high, runs


answer = choose_size
