"""Outages are waited for with jitter, counted, and left at once when the service is to stop."""

import asyncio
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.runtime import metrics
from cygnet.runtime.backoff import StoppedError, delays, describe, retry_outage
from cygnet.runtime.logging import configure

LOG = configure("test", "one")


@given(st.floats(0, 1), st.floats(0.01, 1), st.floats(1, 60))
def test_delays_double_up_to_the_longest_and_never_reach_zero(luck, first, longest):
    waits = list(islice(delays(first, longest, lambda: luck), 2000))
    bounds = [min(longest, first * 2.0 ** min(n, 64)) for n in range(2000)]
    assert all(bound / 2 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))


def waited(reason):
    return metrics.REGISTRY.get_sample_value("cygnet_backoff_seconds_total", {"reason": reason}) or 0.0


async def test_an_outage_is_retried_and_counted():
    failures = iter([ConnectionError(), ConnectionError()])

    async def action():
        for failure in failures:
            raise failure
        return "done"

    before = waited("test-outage")
    assert (
        await retry_outage(
            action, lambda e: isinstance(e, ConnectionError), reason="test-outage", log=LOG, longest=0.01
        )
        == "done"
    )
    assert waited("test-outage") > before
    assert metrics.REGISTRY.get_sample_value("cygnet_outages_total", {"reason": "test-outage"}) == 1


async def test_an_error_of_the_request_is_not_retried():
    calls = []

    async def action():
        calls.append(1)
        raise ValueError("no such bucket")

    with pytest.raises(ValueError, match="no such bucket"):
        await retry_outage(action, lambda e: isinstance(e, ConnectionError), reason="never", log=LOG)
    assert len(calls) == 1


async def test_stop_does_not_wait_for_the_outage_to_end():
    stop = asyncio.Event()

    async def action():
        stop.set()
        raise ConnectionError

    with pytest.raises(StoppedError):
        await asyncio.wait_for(
            retry_outage(action, lambda _: True, reason="stopping", log=LOG, stop=stop), timeout=5
        )


def test_an_error_without_text_is_still_said():
    assert describe(TimeoutError()) == "TimeoutError"
    assert describe(OSError("two\nlines")) == "OSError: two lines"
