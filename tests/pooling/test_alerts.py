"""Alert rules: they fire once, clear once, and do not flicker. The clock is the test's."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from labsupport.pooling import Alert, AlertRule, Alerts, pool_rules


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def value_of(metrics: Any, now: float) -> float | None:
    """The number of these tests' metrics."""
    number: float | None = metrics["n"]
    return number


RULE = AlertRule("many", value_of, fires_above=10, clears_at=5)


def history(rule: AlertRule, numbers: list[float | None], step: float = 1) -> list[str]:
    """What an `Alerts` with one rule says to these numbers, `step` seconds apart."""
    clock, said = Clock(), list[Alert]()
    alerts = Alerts([rule], lambda alert: said.append(alert), clock=clock)
    for number in numbers:
        alerts.look({"n": number})
        clock.now += step
    return [
        f"{'fires' if alert.firing else 'clears'} at {alert.at - 1000:g} with {alert.value:g}"
        for alert in said
    ]


def test_it_fires_once_and_clears_once() -> None:
    assert history(RULE, [0, 11, 12, 13, 4, 3]) == ["fires at 1 with 11", "clears at 4 with 4"]


def test_a_number_that_swings_about_one_bound_rings_once() -> None:
    assert history(RULE, [11, 9, 11, 9, 6, 11]) == ["fires at 0 with 11"]
    assert history(RULE, [10, 5, 10, 7]) == []


def test_the_bound_itself_does_not_fire_and_does_clear() -> None:
    assert history(RULE, [10, 11, 5]) == ["fires at 1 with 11", "clears at 2 with 5"]


def test_it_fires_only_after_its_time_and_a_pause_starts_it_anew() -> None:
    rule = AlertRule("many", value_of, 10, 5, for_seconds=2)
    assert history(rule, [11, 11, 0, 11, 11, 11, 11]) == ["fires at 5 with 11"]
    assert history(rule, [11, 11, 11, 0, 0, 6, 0, 0, 0]) == [
        "fires at 2 with 11",
        "clears at 8 with 0",
    ]


def test_a_number_that_is_not_known_changes_nothing() -> None:
    assert history(RULE, [None, 11, None, None, 0]) == ["fires at 1 with 11", "clears at 4 with 0"]


def test_what_fires_now() -> None:
    alerts = Alerts([RULE], lambda alert: None)
    assert alerts.firing() == []
    (fired,) = alerts.look({"n": 20})
    assert alerts.firing() == ["many"]
    assert str(fired) == "many: 20 is above 10."
    (cleared,) = alerts.look({"n": 1})
    assert alerts.firing() == [] and str(cleared) == "many is over: 1 is not above 5."


def test_a_receiver_that_fails_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    said: list[str] = []

    def receive(alert: Alert) -> None:
        said.append(alert.rule.name)
        raise OSError("the mail server is down")

    other = AlertRule("other", value_of, 0, 0)
    alerts = Alerts([RULE, other], receive)
    with caplog.at_level(logging.ERROR):
        assert len(alerts.look({"n": 20})) == 2
    assert said == ["many", "other"] and alerts.firing() == said
    assert len([r for r in caplog.records if r.name.startswith("labsupport.")]) == 2


def test_rules_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="Choose a bound"):
        AlertRule("many", value_of, fires_above=5, clears_at=10)
    with pytest.raises(ValueError, match="for_seconds"):
        AlertRule("many", value_of, 10, 5, for_seconds=-1)
    with pytest.raises(ValueError, match="same name"):
        Alerts([RULE, RULE], print)


def a_row(**changes: Any) -> dict[str, Any]:
    """A row of a pool without trouble, with the changes."""
    row = {"queue_size": 0, "acquired_count": 5, "max_size": 10, "mean_wait": 0.0}
    row |= {"error_rate": 0.0, "timestamp": 1000.0, "last_check": 1000.0} | changes
    return {
        "timestamp": row["timestamp"],
        "pool_metrics": {
            "pool_stats": {n: row[n] for n in ("queue_size", "acquired_count", "max_size")},
            "health_stats": {"last_check": row["last_check"]},
        },
        "since_last": {n: row[n] for n in ("mean_wait", "error_rate")},
    }


@pytest.mark.parametrize(
    ("trouble", "name"),
    [
        ({"queue_size": 11}, "requests waiting"),
        ({"mean_wait": 0.6}, "mean wait in seconds"),
        ({"acquired_count": 10}, "utilization"),
        ({"error_rate": 0.1}, "error rate"),
        ({"timestamp": 800.0}, "age of the metrics in seconds"),
        ({"last_check": 800.0}, "age of the metrics in seconds"),
    ],
)
def test_each_rule_of_a_pool_sees_its_own_trouble(trouble: dict[str, Any], name: str) -> None:
    alerts = Alerts(pool_rules(), lambda alert: None, clock=Clock())
    assert alerts.look(a_row()) == []
    assert [alert.rule.name for alert in alerts.look(a_row(**trouble))] == [name]
    assert [alert.firing for alert in alerts.look(a_row())] == [False]


def test_the_first_row_of_all_and_a_closed_pool_are_no_trouble() -> None:
    alerts = Alerts(pool_rules(), lambda alert: None, clock=Clock())
    first = {**a_row(max_size=0, acquired_count=0, last_check=None), "since_last": None}
    assert alerts.look(first) == []


def test_what_fired_about_a_pool_is_over_when_the_pool_is_closed() -> None:
    alerts = Alerts(pool_rules(), lambda alert: None, clock=Clock())
    alerts.look(a_row(acquired_count=10, queue_size=11))
    assert alerts.firing() == ["requests waiting", "utilization"]
    alerts.look(a_row(acquired_count=0, max_size=0))
    assert alerts.firing() == []
