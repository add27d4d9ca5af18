"""The arithmetic of waiting before a retry."""

from __future__ import annotations

from labsupport.pooling import backoff_seconds


def test_the_wait_doubles_up_to_a_limit() -> None:
    waits = [backoff_seconds(n, first=0.5, longest=3, fraction=lambda: 1.0) for n in range(5)]
    assert waits == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert backoff_seconds(10**6) <= 10


def test_jitter_keeps_between_half_and_all() -> None:
    assert backoff_seconds(1, first=1, fraction=lambda: 0.0) == 1.0
    many = {backoff_seconds(1, first=1) for _ in range(200)}
    assert len(many) > 100 and 1 <= min(many) < 1.5 < max(many) <= 2
