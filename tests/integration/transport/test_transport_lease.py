"""Leases on a real server: handed over, stolen, lost by our own clock, taken from the dead."""

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest

from cygnet.transport import lease as lease_module
from cygnet.transport._process import is_known_dead, start_time_of, this_process
from cygnet.transport.client import Client
from cygnet.transport.lease import Lease, LeaseLostError
from cygnet.transport.names import Names
from cygnet.transport.values import Values
from fixtures.nats_server import NatsServer
from fixtures.waiting import until


class Clock:
    """A clock that runs as fast as a test wants."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, float], None]:
    monkeypatch.setattr(lease_module, "_LOOK_SECONDS", 0.02)
    return lambda name, seconds: monkeypatch.setattr(lease_module, name, seconds)


async def test_a_released_lease_goes_to_the_next_at_once_with_a_higher_epoch(
    values: Values, quick: Callable[[str, float], None]
) -> None:
    stop = asyncio.Event()
    first, second = Lease(values, "aggregator", "a"), Lease(values, "aggregator", "b")
    assert await first.acquire(stop) == 1
    waiting = asyncio.create_task(second.acquire(stop))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await first.release()
    assert not first.is_held
    assert await asyncio.wait_for(waiting, 5) == 2
    assert second.is_held


async def test_a_silent_holder_is_replaced_and_told(
    values: Values, quick: Callable[[str, float], None]
) -> None:
    stop, clock = asyncio.Event(), Clock()
    quick("RENEW_SECONDS", 0.05)
    first = Lease(values, "aggregator", "a")
    second = Lease(values, "aggregator", "b", clock=clock)
    assert await first.acquire(stop) == 1
    waiting = asyncio.create_task(second.acquire(stop))
    await asyncio.sleep(0.1)
    clock.now += 9.9
    await asyncio.sleep(0.1)
    assert not waiting.done()
    clock.now += 0.2
    assert await asyncio.wait_for(waiting, 5) == 2
    with pytest.raises(LeaseLostError, match="taken by another"):
        await asyncio.wait_for(first.keep(), 5)


async def test_a_renewing_holder_is_never_replaced(
    values: Values, quick: Callable[[str, float], None]
) -> None:
    stop, clock = asyncio.Event(), Clock()
    quick("RENEW_SECONDS", 0.02)
    first = Lease(values, "aggregator", "a")
    second = Lease(values, "aggregator", "b", clock=clock)
    await first.acquire(stop)
    keeping = asyncio.create_task(first.keep())
    waiting = asyncio.create_task(second.acquire(stop))
    for _ in range(20):
        clock.now += 4
        await asyncio.sleep(0.06)
    assert not waiting.done()
    assert first.is_held
    stop.set()
    assert await asyncio.wait_for(waiting, 5) is None
    keeping.cancel()


async def test_a_holder_cut_off_from_nats_stops_by_its_own_clock(
    own_server: NatsServer, own_nc: Client, own_pipeline: Names, quick: Callable[[str, float], None]
) -> None:
    clock = Clock()
    quick("RENEW_SECONDS", 0.05)
    lease = Lease(Values(own_nc, own_pipeline), "aggregator", "a", clock=clock)
    await lease.acquire(asyncio.Event())
    own_server.kill()
    keeping = asyncio.create_task(lease.keep())
    await asyncio.sleep(0.2)
    assert lease.is_held
    clock.now += 9
    assert not lease.is_held
    with pytest.raises(LeaseLostError, match="not renewed"):
        await asyncio.wait_for(keeping, 15)


async def test_a_short_outage_costs_no_lease(
    own_server: NatsServer, own_nc: Client, own_pipeline: Names, quick: Callable[[str, float], None]
) -> None:
    quick("RENEW_SECONDS", 0.05)
    values = Values(own_nc, own_pipeline)
    lease = Lease(values, "aggregator", "a")
    await lease.acquire(asyncio.Event())
    keeping = asyncio.create_task(lease.keep())
    own_server.kill()
    await asyncio.to_thread(own_server.start)
    await until(lambda: own_nc.is_up)
    before = await values.get("lease.aggregator")
    assert before is not None

    async def renewed() -> bool:
        now = await values.get("lease.aggregator")
        return now is not None and now.revision > before.revision

    await until(renewed)
    assert lease.is_held
    assert not keeping.done()
    keeping.cancel()


async def test_a_write_that_came_through_unanswered_is_known_as_ours(
    values: Values, quick: Callable[[str, float], None]
) -> None:
    quick("RENEW_SECONDS", 0.02)
    lease = Lease(values, "aggregator", "a")
    await lease.acquire(asyncio.Event())
    await values.put("lease.aggregator", lease._document())  # our own write, its answer lost
    keeping = asyncio.create_task(lease.keep())
    await asyncio.sleep(0.2)
    assert not keeping.done()
    assert lease.is_held
    keeping.cancel()


async def test_a_holder_killed_on_this_machine_is_replaced_at_once(
    values: Values, quick: Callable[[str, float], None]
) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)  # noqa: ASYNC220
    me = this_process()
    lease = Lease(values, "aggregator", "killed")
    started = start_time_of(child.pid)
    assert started is not None
    lease._process = type(me)(me.host, me.boot_id, me.pid_namespace, child.pid, started)
    await lease.acquire(asyncio.Event())
    successor = Lease(values, "aggregator", "next")
    waiting = asyncio.create_task(successor.acquire(asyncio.Event()))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    child.kill()
    assert await asyncio.wait_for(waiting, 5) == 2  # a zombie until it is waited for: dead all the same
    child.communicate()


def test_only_a_process_of_this_machine_is_ever_known_dead() -> None:
    me = this_process()
    assert not is_known_dead(me, me)
    assert not is_known_dead(None, me)
    reused = type(me)(me.host, me.boot_id, me.pid_namespace, me.pid, me.start_time - 1)
    assert is_known_dead(reused, me)
    for field in ("host", "boot_id", "pid_namespace"):
        elsewhere = type(me)(**{name: getattr(reused, name) for name in me.__slots__} | {field: "other"})
        assert not is_known_dead(elsewhere, me)
