"""Looking at Pipelines on a real server: what is seen of them, and how little it costs when they are idle."""

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import pytest

from cygnet.model.account import Begin, Dead, End, Stored
from cygnet.scaling import Lifecycle
from cygnet.spec.loader import loads
from cygnet.transport.account import append
from cygnet.transport.client import Client
from cygnet.transport.connection import close, connect
from cygnet.transport.errors import TransportError
from cygnet.transport.names import Names
from cygnet.transport.publisher import PublishWindow
from cygnet.transport.runs import BEAM_KEY, RUN_KEY, set_run_state
from cygnet.transport.streams import StreamSizes, delete_streams, ensure_streams
from cygnet.transport.values import Values
from cygnet_operator.observed import Observed, Role, RoleState
from cygnet_operator.sampling import open_sampler
from fixtures.nats_server import NatsServer, nats_server
from fixtures.waiting import until

SIZES = StreamSizes(frames_bytes=1 << 20, results_bytes=1 << 20, chunks_bytes=1 << 20, dead_bytes=1 << 20)
MANY = 60


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with nats_server() as server:
        yield server


@pytest.fixture
async def nc(server: NatsServer) -> AsyncIterator[Client]:
    client = await connect(server.url, name="test")
    yield client
    await close(client)


class Requests:
    """Counts the requests of a connection, by the API that they ask."""

    def __init__(self, nc, monkeypatch):
        self.made = Counter()
        ask = nc.request

        async def counted(subject, *args, **more):
            self.made[".".join(subject.split(".")[2:4])] += 1
            return await ask(subject, *args, **more)

        monkeypatch.setattr(nc, "request", counted)

    def take(self):
        made, self.made = self.made, Counter()
        return made


def observed(name, asked=1, namespace="ns"):
    [pipeline] = loads(
        json.dumps(
            {
                "apiVersion": "cygnet.dev/v1alpha1",
                "kind": "Pipeline",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"sources": [{"name": "cam", "announcements": {"subjects": ["daq/data"]}}]},
            }
        )
    )
    roles = {Role.PREPROCESSOR: RoleState(asked=asked, ready=asked)}
    return Observed(pipeline=pipeline, uid="u", generation=1, roles=roles)


async def publish(nc, names, count, size=100):
    window = PublishWindow(nc)
    for _ in range(count):
        await window.publish(names.frame_subject("cam"), b"x" * size)
    await window.close()


async def test_what_waits_and_what_a_run_has_stored_are_seen(nc):
    names, seen = Names("ns", "seen"), observed("seen", asked=3)
    await ensure_streams(nc, names, SIZES, {})
    values, window = Values(nc, names), PublishWindow(nc)
    await values.put(RUN_KEY, {"run": "r1", "events": None})
    await set_run_state(values, "r1", "running")
    await values.put("cursor.r1.cam", {"next": 20})
    await values.put(BEAM_KEY, {"active": True})
    await publish(nc, names, 5)
    await append(window, names, Begin(run="r1", detectors=["cam"], time_ns=1))
    stored = Stored(
        run="r1", detector="cam", chunk="0", attempt="a", key="k", manifest_key="m", size=1, events=[(0, 9)]
    )
    await append(window, names, stored)
    sampler = await open_sampler(nc, seen)
    look = await sampler.look(seen)
    sample = look.sample
    assert (sample.pending, sample.ack_pending, sample.last_seq, sample.acked) == (5, 0, 5, 0)
    assert (sample.ready, sample.desired, sample.lifecycle) == (3, 3, Lifecycle.RUNNING)
    assert sample.run_active
    assert sample.beam_active
    assert not sample.missing()
    assert abs(sample.time - time.time()) < 5
    assert (look.run, look.run_state, look.waiting.frames) == ("r1", "running", 5)
    assert not look.waiting.is_nothing

    async def counted(stored, dead):
        numbers = (await sampler.look(seen)).numbers
        return (numbers.get("storedEvents"), numbers.get("deadEvents")) == (stored, dead)

    await until(lambda: counted(10, 0))
    await append(window, names, Dead(run="r1", detector="cam", events=[(10, 11)], reason="no"))
    await until(lambda: counted(10, 2))
    await append(window, names, End(run="r1", announced={"cam": 12}, time_ns=2))
    nc.send_message(names.stats_subject("pod-1").encode(), b'{"frames": 60, "messages": 10, "processed": 60}')

    async def packed():
        look = await sampler.look(seen)
        return look.sample.frames_per_message == 6.0 and look.numbers["backlog"] == 30

    await until(packed)
    await sampler.close()
    await window.close()


async def test_streams_that_are_gone_are_no_empty_queue(nc):
    names, seen = Names("ns", "gone"), observed("gone")
    await ensure_streams(nc, names, SIZES, {})
    sampler = await open_sampler(nc, seen)
    await sampler.look(seen)
    await delete_streams(nc, names)
    with pytest.raises(TransportError):
        await sampler.look(seen)
    await sampler.close()


async def test_an_idle_pipeline_costs_two_requests_a_tick_and_its_part_of_a_listing(nc, monkeypatch):
    many = [observed(f"idle{number}", namespace="crowd") for number in range(MANY)]
    for each in many:
        names = Names("crowd", each.pipeline.metadata.name)
        await ensure_streams(nc, names, SIZES, {})
        await Values(nc, names).put(RUN_KEY, {"run": "old", "events": None})
        await set_run_state(Values(nc, names), "old", "complete")
    samplers = [await open_sampler(nc, each) for each in many]
    requests = Requests(nc, monkeypatch)

    async def tick():
        return [await sampler.look(each) for sampler, each in zip(samplers, many, strict=True)]

    await tick()
    first = requests.take()
    begun, cpu = time.monotonic(), time.process_time()
    looks = await tick()
    spent = time.process_time() - cpu
    took = time.monotonic() - begun
    made = requests.take()
    print(
        f"{MANY} idle Pipelines: first look {sum(first.values()) / MANY:.1f} requests each, then"
        f" {sum(made.values()) / MANY:.2f}; a tick of all takes"
        f" {1e3 * took:.0f} ms, {1e3 * spent:.0f} ms of CPU"
    )
    assert all(look.waiting.is_nothing for look in looks)
    pages = made["STREAM.LIST"]
    assert sum(made.values()) - pages == 2 * MANY, made
    assert pages <= 2 * (1 + took / 0.5), "who looks at about the same time shares a listing"
    for sampler in samplers:
        await sampler.close()


async def test_the_last_sampler_of_a_connection_ends_its_subscription(nc):
    await ensure_streams(nc, Names("ns", "one"), SIZES, {})
    before = len(nc.raw_handlers)
    samplers = [await open_sampler(nc, observed("one")) for _ in range(2)]
    assert len(nc.raw_handlers) == before + 1
    for sampler in samplers:
        await sampler.close()
    assert len(nc.raw_handlers) == before
