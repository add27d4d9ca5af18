"""Right: a class that remembers its runs, asked by a plain search."""


class Search:
    def __init__(self, run, target_ms):
        self.run, self.target_ms, self.runs = run, target_ms, {}

    async def enough(self, size):
        if size not in self.runs:
            self.runs[size] = await self.run(size)
        seen = self.runs[size]
        if seen.failed > 0:
            return False
        return seen.p99_ms is not None and seen.p99_ms <= self.target_ms


async def choose_size(run, target_ms, most):
    search = Search(run, target_ms)
    if not await search.enough(most):
        return None, search.runs
    smallest, largest = 1, most
    while smallest < largest:
        middle = (smallest + largest) // 2
        if await search.enough(middle):
            largest = middle
        else:
            smallest = middle + 1
    return smallest, search.runs


answer = choose_size
