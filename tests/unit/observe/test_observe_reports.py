"""What workers say of themselves is counted once, whoever begins first."""

import json

from cygnet.observe.reports import Handled, Reports
from cygnet.transport.names import Names

NAMES = Names("ns", "lime")


class Connection:
    """Stands in for NATS: hands on what is published."""

    def subscribe_raw(self, subject, handler):
        self.subject, self.handler = subject, handler
        return 1

    def say(self, worker, body, names=NAMES):
        self.handler(names.stats_subject(worker).encode(), b"", b"", body)


def report(frames, messages, processed):
    return json.dumps({"frames": frames, "messages": messages, "processed": processed}).encode()


def test_frames_of_workers_that_came_and_went_are_counted_once():
    handled = Handled()
    handled.add("a", 10, 10, 10, 1.0)
    handled.add("a", 30, 30, 35, 6.0)
    handled.add("a", 5, 5, 5, 11.0)  # began anew
    handled.add("b", 7, 7, 7, 12.0)
    assert handled.processed == 35 + 5 + 7


def test_what_workers_did_before_we_listened_is_no_burst():
    handled = Handled(new_from=100.0)
    handled.add("old", 10**6, 10**6, 10**6, 95.0)
    handled.add("old", 10**6 + 50, 10**6 + 50, 10**6 + 50, 101.0)
    handled.add("new", 40, 40, 40, 106.0)
    assert handled.processed == 90


def test_packing_is_the_mean_of_all_and_stays_known_when_all_workers_are_gone():
    handled = Handled()
    assert handled.frames_per_message() is None
    handled.add("a", 100, 10, 100, 0.0)
    handled.add("b", 20, 10, 20, 0.0)
    assert handled.frames_per_message() == 6.0
    handled.add("c", 0, 0, 0, 10_000.0)
    assert handled.frames_per_message() == 6.0
    assert len(handled._workers) == 1, "pods that are long gone take no room"


def test_one_subscription_serves_all_pipelines_that_are_looked_at():
    nc = Connection()
    reports = Reports(nc)
    reports.start(Names("*", "*"))
    assert nc.subject == "cygnet.*.*.stats.*"
    lime, other = reports.of(NAMES), reports.of(Names("ns", "other"))
    nc.say("pod-1", report(6, 2, 6))
    nc.say("pod-1", report(9, 9, 9), Names("elsewhere", "lime"))
    nc.say("pod-1", b"no json")
    nc.say("pod-1", b"[]")
    nc.say("pod-1", b'{"frames": 1}')
    assert (lime.processed, other.processed) == (6, 0)
    reports.forget(NAMES)
    nc.say("pod-1", report(99, 2, 99))
    assert lime.processed == 6
