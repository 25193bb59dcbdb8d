"""Numaflow's and KEDA's rules, by the numbers of their own documentation."""

from dataclasses import replace

import pytest

from cygnet.scaling.rivals import keda, numaflow
from unit.scaling.scaling_histories import START, healthy, steady


def test_numaflow_asks_for_pending_over_rate_over_twenty_seconds_two_pods_at_a_time():
    samples = steady(150, arrival_hz=48, processed_hz=48, backlog=5000, pods=4)
    assert numaflow(samples, max_replicas=50) == 6
    small = steady(150, arrival_hz=48, processed_hz=48, backlog=250, pods=4)
    assert numaflow(small, max_replicas=50) == 2


def test_numaflow_shrinks_a_stalled_vertex():
    samples = steady(150, arrival_hz=0, processed_hz=0, backlog=5000, pods=4)
    assert numaflow(samples, max_replicas=50) == 2


def test_numaflow_waits_ninety_seconds_between_steps():
    samples = steady(150, arrival_hz=48, processed_hz=48, backlog=5000, pods=4)
    fresh = tuple(replace(s, desired=2) if s.time < START + 65 else s for s in samples)
    assert numaflow(fresh, max_replicas=50) == 4


@pytest.mark.parametrize(
    ("pods", "lag", "expected"),
    [(1, 1000, 5), (1, 300, 3), (8, 5000, 16), (10, 1050, 10), (1, 2, 1)],
    ids=["four more", "ceil(300/100)", "double", "within a tenth", "never none"],
)
def test_keda_asks_for_lag_over_threshold_by_the_steps_of_hpa(pods, lag, expected):
    samples = [healthy(START, pending=lag, ready=pods, desired=pods)]
    assert keda(samples, max_replicas=50, lag_threshold=100) == expected


def test_keda_goes_down_to_the_highest_recommendation_of_five_minutes():
    waiting = {0: 900, 15: 400, 300: 0}
    samples = [healthy(START + t, pending=waiting.get(t, 0), ready=9, desired=9) for t in range(0, 305, 5)]
    assert keda(samples, max_replicas=50, lag_threshold=100) == 4
