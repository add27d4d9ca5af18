"""Wrong: doubles until it is enough and takes that. Says: smallest size."""


async def choose_size(run, target_ms, most):
    runs, size = {}, 1
    while size <= most:
        runs[size] = await run(size)
        if not runs[size].failed and runs[size].p99_ms and runs[size].p99_ms <= target_ms:
            return size, runs
        size *= 2
    return None, runs


answer = choose_size
