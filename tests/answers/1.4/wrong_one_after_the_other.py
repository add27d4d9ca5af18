"""Wrong: a loop, one query after the other. Says: one after."""


async def run_all(pool, queries):
    results = []
    for query in queries:
        try:
            results.append(await pool.fetchval(query))
        except Exception as error:
            results.append(error)
    return results


answer = run_all
