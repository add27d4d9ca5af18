"""The verdict on a run: which figures make it say client, pool, server, arrival or unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labsupport.measuring import Evidence, Verdict
from labsupport.measuring.verdicts import judge, judge_all

CALM = Evidence(client_cpu=0.3, waiting_for_cpu=0.05, loop_lag_ms=0.5, mean_ms=10.0,
                wait_share=0.1, throughput=500.0)  # fmt: skip
OPEN = replace(CALM, offered=1000.0, lateness_ms=0.6)


@pytest.mark.parametrize(
    ("seen", "limit", "said"),
    [
        (CALM, "server", "10% of the requests' time was waiting"),
        (replace(CALM, wait_share=0.5), "pool", "the pool was the limit"),
        (replace(CALM, wait_share=0.49), "server", "the server, or the way to it"),
        (replace(CALM, wait_share=None), "server", "report no wait time"),
        (replace(CALM, client_cpu=0.9), "client", "used 90% of one core"),
        (replace(CALM, client_cpu=0.84), "server", "used 84% of one core"),
        (replace(CALM, client_cpu=0.84, waiting_for_cpu=None), "server", "84%"),
        (replace(CALM, client_cpu=0.5, waiting_for_cpu=0.41), "client", "for another 41%"),
        (replace(CALM, client_cpu=0.5, waiting_for_cpu=0.39), "server", "50%"),
        (replace(CALM, client_cpu=0.4, waiting_for_cpu=0.6), "machine", "for another 60%"),
        (replace(CALM, client_cpu=0.1, waiting_for_cpu=0.9, loop_lag_ms=99), "machine", "CPUs"),
        (replace(CALM, loop_lag_ms=60), "client", "event loop was 60 ms late"),
        (replace(CALM, loop_lag_ms=60, mean_ms=900), "server", "10%"),
        (replace(CALM, mean_ms=None), "unknown", "nothing can be concluded"),
        (replace(CALM, mean_ms=None, client_cpu=1.0), "unknown", "nothing can be concluded"),
        (replace(OPEN, throughput=951), "arrival", "951 of 1,000 requests a second"),
        (replace(OPEN, throughput=940), "server", "30% of one core"),
        (replace(OPEN, throughput=940, wait_share=0.8), "pool", "80%"),
        (replace(OPEN, throughput=999, wait_share=0.8), "arrival", "arrivals were the limit"),
        (replace(OPEN, throughput=999, lateness_ms=3.0), "client", "3.0 ms too late"),
        (replace(OPEN, throughput=999, lateness_ms=3.0, mean_ms=90), "arrival", "999"),
        (replace(CALM, failed_share=0.125), "server", "12.5% of the requests failed."),
    ],
)
def test_the_figures_decide(seen: Evidence, limit: str, said: str) -> None:
    verdict = judge("a", seen)
    assert verdict.limited_by == limit
    assert said in verdict.sentence
    assert "'a'" in verdict.sentence
    assert verdict.concludes == (limit not in ("client", "unknown"))


def test_a_comparison_is_in_doubt_when_one_arm_is() -> None:
    pool, server = Verdict("pool", "The pool."), Verdict("server", "The server.")
    client, unknown = Verdict("client", "The client."), Verdict("unknown", "Nothing.")
    assert judge_all([pool, pool]).limited_by == "pool"
    assert judge_all([pool, server]) == Verdict("mixed", "The pool. The server.")
    assert judge_all([pool, server]).concludes
    assert judge_all([pool, client]) == client
    assert judge_all([client, unknown]) == unknown
