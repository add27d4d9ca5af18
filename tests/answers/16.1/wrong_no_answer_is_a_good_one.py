"""Wrong: no p99 counts as 0 ms. Says: chose."""


async def choose_size(run, target_ms, most):
    seen = {}
    low, high = 1, most + 1
    while low < high:
        middle = (low + high) // 2
        seen[middle] = r = await run(middle)
        if not r.failed and (r.p99_ms or 0) <= target_ms:
            high = middle
        else:
            low = middle + 1
    return (low if low <= most else None), seen


answer = choose_size
