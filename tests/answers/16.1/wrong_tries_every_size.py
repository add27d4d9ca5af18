"""Wrong: tries one size after the other from one on. Says: loads were run."""


async def choose_size(run, target_ms, most):
    runs = {}
    for size in range(1, most + 1):
        runs[size] = await run(size)
        if not runs[size].failed and runs[size].p99_ms and runs[size].p99_ms <= target_ms:
            return size, runs
    return None, runs


answer = choose_size
