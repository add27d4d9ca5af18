"""Right: doubles the size until it is enough, then halves the gap."""


def good(seen, target):
    return not seen.failed and seen.p99_ms is not None and seen.p99_ms <= target


async def choose_size(run, target_ms, most):
    seen = {}
    low, high = 0, 1
    while True:
        seen[high] = await run(high)
        if good(seen[high], target_ms):
            break
        low = high
        if high == most:
            return None, seen
        high = min(most, high * 2)
    while high - low > 1:
        middle = (low + high) // 2
        seen[middle] = await run(middle)
        if good(seen[middle], target_ms):
            high = middle
        else:
            low = middle
    return high, seen


answer = choose_size
