"""Wrong: allows one failed request in 100. Says: chose."""


async def choose_size(run, target_ms, most):
    seen = {}
    low, high = 1, most + 1
    while low < high:
        middle = (low + high) // 2
        seen[middle] = r = await run(middle)
        if r.failed <= r.requests * 0.01 and r.p99_ms is not None and r.p99_ms <= target_ms:
            high = middle
        else:
            low = middle + 1
    return (low if low <= most else None), seen


answer = choose_size
