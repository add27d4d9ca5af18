"""Ways to make measurements lie, and the tests that have to notice each."""

from __future__ import annotations

from tests.deep.mutating import Mutation

__all__ = ["MEASURING"]

ROOM = "labsupport/measuring"
TESTS = "tests/measuring"

MEASURING = (
    Mutation(
        name="the arms' results are swapped",
        file=f"{ROOM}/comparison.py",
        old="results=dict(zip(names, rounds.results(conditions), strict=True)),",
        new="results=dict(zip(names, rounds.results(conditions)[::-1], strict=True)),",
        tests=(f"{TESTS}/test_comparison.py::test_the_first_arm_is_the_baseline",),
        cells=("notebooks/01_why_pooling_matters.ipynb::01-09",),
    ),
    Mutation(
        name="what one arm shows is noted for another",
        file=f"{ROOM}/rounds.py",
        old="arm, record = self.arms[index], self.records[index]",
        new="arm, record = self.arms[index], self.records[-1 - index]",
        tests=(f"{TESTS}/test_comparison.py::test_the_first_arm_is_the_baseline",),
    ),
    Mutation(
        name="the ratio is inverted",
        file=f"{ROOM}/comparison.py",
        old="per_round = tuple(b / a for a, b in zip(base, other, strict=False) if a > 0)",
        new="per_round = tuple(a / b for a, b in zip(base, other, strict=False) if b > 0)",
        tests=(
            f"{TESTS}/test_comparison.py::test_the_ratio_of_two_sleepers_is_that_of_their_sleeps",
            f"{TESTS}/test_comparison.py::test_swapping_the_arms_gives_the_inverse_of_every_round",
        ),
        cells=("notebooks/01_why_pooling_matters.ipynb::01-09",),
    ),
    Mutation(
        name="errors are dropped",
        file=f"{ROOM}/recording.py",
        old="            self.errors[failure] += 1\n"
        "            self.failed_latencies.append(nanoseconds)\n",
        new="",
        tests=(
            f"{TESTS}/test_closed_loop.py::"
            "test_errors_are_counted_by_type_and_kept_apart_from_the_latencies",
            f"{TESTS}/test_comparison.py::"
            "test_a_baseline_that_always_fails_gives_no_ratio_and_no_crash",
        ),
        cells=("notebooks/01_why_pooling_matters.ipynb::01-29",),
    ),
    Mutation(
        name="errors count as answers",
        file=f"{ROOM}/recording.py",
        old="        if failure is not None:\n",
        new="        if failure is not None and not nanoseconds:\n",
        tests=(
            f"{TESTS}/test_closed_loop.py::"
            "test_errors_are_counted_by_type_and_kept_apart_from_the_latencies",
        ),
    ),
    Mutation(
        name="requests that never end are dropped",
        file=f"{ROOM}/closed_loop.py",
        old="                self.record.keep(failure, None, now - self.began[worker])\n",
        new="                pass\n",
        tests=(
            f"{TESTS}/test_closed_loop.py::"
            "test_a_request_that_never_returns_is_counted_and_cannot_hang_the_measurement",
        ),
    ),
    Mutation(
        name="a request that never ends is waited for",
        file=f"{ROOM}/slices.py",
        old="limit = seconds + load.patience",
        new="limit = None",
        tests=(
            f"{TESTS}/test_closed_loop.py::"
            "test_a_request_that_never_returns_is_counted_and_cannot_hang_the_measurement",
        ),
    ),
    Mutation(
        name="the warm-up is kept",
        file=f"{ROOM}/rounds.py",
        old="""\
        for arm in self.arms:
            if arm.warmup and not self.stop.asked:
                reporter.report(0.0, f"warming up: {arm.name}")
                async with arm.source() as request:
                    await run_slice(request, arm.load, arm.warmup, Record(), stop=self.stop)
""",
        new="""\
        for arm, kept in zip(self.arms, self.records):
            if arm.warmup and not self.stop.asked:
                async with arm.source() as request:
                    await run_slice(request, arm.load, arm.warmup, kept, stop=self.stop)
""",
        tests=(f"{TESTS}/test_closed_loop.py::test_warm_up_is_thrown_away",),
    ),
    Mutation(
        name="the verdict never changes",
        file=f"{ROOM}/verdicts.py",
        old="CLIENT_IS_FULL = 0.9",
        new="CLIENT_IS_FULL = 9.0",
        tests=(
            f"{TESTS}/test_verdicts.py::test_the_figures_decide",
            f"{TESTS}/test_results.py::test_a_client_that_fills_its_core_is_named_as_the_limit",
        ),
    ),
    Mutation(
        name="a doubtful arm does not make a comparison doubtful",
        file=f"{ROOM}/verdicts.py",
        old="        if sentences:\n",
        new="        if False:\n",
        tests=(f"{TESTS}/test_verdicts.py::test_a_comparison_is_in_doubt_when_one_arm_is",),
    ),
    Mutation(
        name="the open loop is timed from the actual start",
        file=f"{ROOM}/open_loop.py",
        old="        self.record.lateness.append(perf_counter_ns() - planned)\n",
        new="        self.record.lateness.append(perf_counter_ns() - planned)\n"
        "        planned = perf_counter_ns()\n",
        tests=(
            f"{TESTS}/test_open_loop.py::"
            "test_the_latency_runs_from_the_planned_moment_also_when_the_client_was_late",
        ),
    ),
    Mutation(
        name="the open loop waits for each answer",
        file=f"{ROOM}/open_loop.py",
        old="            task.add_done_callback(self.finished)\n",
        new="            task.add_done_callback(self.finished)\n"
        "            await asyncio.wait([task])\n",
        tests=(
            f"{TESTS}/test_open_loop.py::"
            "test_too_many_requests_in_flight_end_the_run_and_it_says_so",
        ),
    ),
    Mutation(
        name="a rate that cannot be kept is accepted",
        file=f"{ROOM}/open_loop.py",
        old="    return load.rate * dry.record.ended / len(dry.moments) * TRY_SECONDS / spent\n",
        new="    return load.rate\n",
        tests=(f"{TESTS}/test_open_loop.py::test_a_rate_that_the_client_cannot_keep_is_refused",),
    ),
    Mutation(
        name="random arrivals come at even moments",
        file=f"{ROOM}/open_loop.py",
        old="np.random.default_rng(list(seed)).exponential(1 / load.rate, count).cumsum()",
        new="(np.arange(count) + 0.5) / load.rate",
        tests=(
            f"{TESTS}/test_open_loop.py::test_random_arrivals_have_the_gaps_of_a_poisson_process",
        ),
    ),
    Mutation(
        name="the rounds are not shuffled",
        file=f"{ROOM}/rounds.py",
        old="order = shuffler.sample(range(len(arms)), len(arms))",
        new="order = list(range(len(arms)))",
        tests=(
            f"{TESTS}/test_comparison.py::"
            "test_every_round_holds_each_arm_once_in_an_order_of_the_seed",
        ),
    ),
    Mutation(
        name="one sample is enough for a percentile",
        file=f"{ROOM}/arithmetic.py",
        old="BEYOND = 10",
        new="BEYOND = 0",
        tests=(f"{TESTS}/test_results.py::test_a_percentile_needs_ten_samples_beyond_it",),
    ),
    Mutation(
        name="a percentile lies between two samples",
        file=f"{ROOM}/arithmetic.py",
        old="return float(np.partition(latencies, rank - 1)[rank - 1]) / 1e6",
        new="return float(np.percentile(latencies, p)) / 1e6",
        tests=(
            f"{TESTS}/test_results.py::test_a_percentile_is_a_latency_that_a_request_really_had",
        ),
    ),
    Mutation(
        name="a slice's ragged end counts for more than its time",
        file=f"{ROOM}/closed_loop.py",
        old="spent = sum(ended - self.start for ended in self.ended)",
        new="spent = len(self.ended) * (self.deadline - self.start)",
        tests=(
            f"{TESTS}/test_closed_loop.py::"
            "test_the_ragged_end_of_a_slice_does_not_raise_the_throughput",
        ),
    ),
    Mutation(
        name="the interval is a single number",
        file=f"{ROOM}/arithmetic.py",
        old="np.percentile(np.median(drawn, axis=1), [2.5, 97.5])",
        new="np.percentile(np.median(drawn, axis=1), [50, 50])",
        tests=(
            f"{TESTS}/test_results.py::"
            "test_the_interval_holds_the_median_and_narrows_with_more_rounds",
        ),
    ),
    Mutation(
        name="two measurements run at the same time",
        file=f"{ROOM}/lock.py",
        old="        held = _try(lock)\n        if not held:\n            say(",
        new="        held = True\n        if not held:\n            say(",
        tests=(
            f"{TESTS}/test_lock_and_progress.py::"
            "test_two_measurements_in_one_process_do_not_run_at_the_same_time",
        ),
    ),
)
