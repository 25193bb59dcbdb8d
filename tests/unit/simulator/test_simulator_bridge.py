"""A bridge numbers what others announce: gaps are recorded, repetitions known, also after a restart."""

import json
from dataclasses import dataclass, field
from types import SimpleNamespace

from cygnet.simulator.bridge import Bridge
from cygnet.spec.sources import AnnouncementsSource


@dataclass
class Stream:
    """INTAKE: messages by sequence, of which the oldest may be gone."""

    messages: dict[int, bytes] = field(default_factory=dict)
    last: int = 0

    def add(self, *bodies):
        for body in bodies:
            self.last += 1
            self.messages[self.last] = body


class Reader:
    def __init__(self, stream):
        self.stream, self.position = stream, 1

    async def next_sequence(self):
        return self.stream.last + 1

    async def start(self, sequence):
        self.position = sequence

    async def next(self, most, timeout):
        found = [(n, b) for n, b in sorted(self.stream.messages.items()) if n >= self.position][:most]
        if found:
            self.position = found[-1][0] + 1
        return found

    async def read_until(self, sequence):
        found = [(n, b) for n, b in sorted(self.stream.messages.items()) if self.position <= n < sequence]
        self.position = sequence
        return found

    async def first_sequence(self):
        return min(self.stream.messages, default=self.stream.last + 1)

    async def stop(self):
        pass


class Values(dict):
    async def get(self, key):
        return SimpleNamespace(data=dict.get(self, key)) if key in self else None

    async def put(self, key, data):
        self[key] = data


def bridge(stream, values, dedupe="none", *, endless=False, subject="daq/data"):
    spec = AnnouncementsSource(subjects=[subject], dedupeBy=dedupe)
    return Bridge("cam", spec, values, lambda: Reader(stream), endless=endless)


def told(number):
    return json.dumps({"url": "u", "time": "2024-11-27 14:27:36", "filename": f"{number}.jpg"}).encode()


async def test_a_run_begins_with_what_comes_after_it_and_goes_on_where_it_was():
    stream, values = Stream(), Values()
    stream.add(b"before", b"before")
    first = bridge(stream, values)
    await first.open("r", 0, None)
    stream.add(b"a", b"b", b"c")
    batch = await first.take(0, 2)
    assert [(each.id.event, each.body) for each in batch.frames] == [(0, b"a"), (1, b"b")]
    again = bridge(stream, values)
    await again.open("r", 2, None)
    batch = await again.take(2, 64)
    assert [(each.id.event, each.body) for each in batch.frames] == [(2, b"c")]


async def test_what_the_announcer_sent_too_fast_is_a_gap_and_keeps_its_numbers():
    stream, values = Stream(), Values()
    slow = bridge(stream, values)
    await slow.open("r", 0, None)
    stream.add(*(str(n).encode() for n in range(6)))
    for lost in (1, 2, 4):
        del stream.messages[lost]
    batch = await slow.take(0, 64)
    assert [each.id.event for each in batch.frames] == [2, 4, 5]
    assert batch.dropped == [(0, 1), (3, 3)]
    assert batch.next_event == 6


async def test_a_repetition_is_a_duplicate_also_after_a_restart():
    stream, values = Stream(), Values()
    first = bridge(stream, values, "filename+time")
    await first.open("r", 0, None)
    stream.add(told(0), told(1), told(0))
    batch = await first.take(0, 64)
    assert ([each.id.event for each in batch.frames], batch.duplicate) == ([0, 1], [(2, 2)])
    again = bridge(stream, values, "filename+time")
    await again.open("r", 3, None)
    stream.add(told(1), told(2))
    batch = await again.take(3, 64)
    assert ([each.id.event for each in batch.frames], batch.duplicate) == ([4], [(3, 3)])


async def test_a_long_run_remembers_no_more_than_intake_holds(monkeypatch):
    monkeypatch.setattr("cygnet.simulator.bridge._REMEMBERED", 10)
    stream = Stream()
    one = bridge(stream, Values(), "filename+time")
    await one.open("r", 0, None)
    event = 0
    for number in range(200):
        stream.add(told(number))
        stream.messages.pop(stream.last - 8, None)
        event = (await one.take(event, 64)).next_event
    assert len(one._seen) <= 20
    stream.add(told(195), told(3))
    assert (await one.take(event, 64)).duplicate == [(200, 200)]


async def test_garbage_is_passed_on_and_is_no_duplicate_of_other_garbage():
    stream = Stream()
    one = bridge(stream, Values(), "filename+time")
    await one.open("r", 0, None)
    stream.add(b"garbage", b"garbage", b"{}", b"{}")
    batch = await one.take(0, 64)
    assert [each.id.event for each in batch.frames] == [0, 1, 2, 3]


async def run_of(one, values, run, events):
    """Take a run of so many events, as a feeder does, and leave its cursor behind."""
    await one.open(run, 0, events)
    batch = await one.take(0, events)
    await values.put(f"cursor.{run}.cam", {"next": batch.next_event})
    return [each.body for each in batch.frames]


async def test_what_comes_between_two_endless_runs_belongs_to_the_second():
    stream, values = Stream(), Values()
    one = bridge(stream, values, endless=True)
    await one.open("r1", 0, 2)
    stream.add(b"a", b"b", b"c", b"d")
    assert await run_of(one, values, "r1", 2) == [b"a", b"b"]
    stream.add(b"e")
    assert await run_of(one, values, "r2", 2) == [b"c", b"d"]
    assert await run_of(bridge(stream, values, endless=True), values, "r3", 2) == [b"e"]


async def test_a_run_asked_for_by_itself_and_another_subject_begin_with_what_is_new():
    stream, values = Stream(), Values()
    one = bridge(stream, values)
    await one.open("r1", 0, 1)
    stream.add(b"a", b"b")
    assert await run_of(one, values, "r1", 1) == [b"a"]
    await one.open("r2", 0, 1)
    assert (await one.take(0, 1)).frames == []
    other = bridge(stream, values, endless=True, subject="daq/other")
    await other.open("r3", 0, 1)
    assert (await other.take(0, 1)).frames == []
