"""Challenge 16.1: the smallest pool that meets a target, found by measuring."""

__all__ = ["choose_size"]


def meets(run, target_ms):
    return run.failed == 0 and run.p99_ms is not None and run.p99_ms <= target_ms


async def choose_size(run, target_ms, most):
    evidence = {}
    too_small, enough = 0, None
    # A larger pool is not worse here, so half of what is open is ruled out by each run.
    size = most
    while too_small + 1 != enough and too_small != most:
        evidence[size] = await run(size)
        if meets(evidence[size], target_ms):
            enough = size
        else:
            too_small = size
        size = (too_small + (enough or most)) // 2
    return enough, evidence
