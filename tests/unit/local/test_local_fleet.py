"""Services that die are started again, those that are not wanted end in order, and everything is told."""

import json
from pathlib import Path

import pytest

from cygnet.local.child import last_words
from cygnet.local.fleet import Fleet, said
from cygnet.local.plan import SERVICES, Slot
from cygnet.local.probes import Liveness


class FakeHandle:
    def __init__(self, pid):
        self.pid = pid
        self.code = None
        self.stopped = False

    def poll(self):
        return self.code

    def stop(self):
        self.stopped = True

    def kill(self):
        self.code = -9

    def address(self):
        return f"127.0.0.1:{self.pid}" if self.code is None else ""

    def last_words(self):
        return '{"level": "error", "message": "refused", "error": "NATS refuses us"}'


class FakeLauncher:
    def __init__(self):
        self.started = []

    def start(self, slot, spec, env):
        handle = FakeHandle(len(self.started) + 1)
        self.started.append((slot, handle))
        return handle

    def handle(self, slot):
        return [handle for each, handle in self.started if each == slot][-1]


class World:
    def __init__(self):
        self.now = 0.0
        self.launcher = FakeLauncher()
        self.deaths = []
        self.fleet = Fleet(
            self.launcher,
            {"lime": Path("lime.yaml")},
            {"lime": {}},
            30.0,
            self.deaths.append,
            clock=lambda: self.now,
        )

    def after(self, seconds):
        self.now += seconds
        self.fleet.turn()

    def slots(self):
        return sorted(str(slot) for slot in self.fleet.alive())


@pytest.fixture
def world():
    return World()


WORKER = Slot("lime", "preprocessor", 0)


def test_a_service_that_is_killed_is_started_again_and_counted(world):
    world.fleet.replicas["lime", "preprocessor"] = 1
    world.after(0)
    world.after(60)
    world.launcher.handle(WORKER).code = -9
    world.after(1)
    world.after(0.2)
    assert world.slots() == ["lime-preprocessor-0"]
    assert world.fleet.restarts["lime", "preprocessor"] == 1
    assert str(world.deaths[0]) == "lime-preprocessor-0: killed by signal 9"


def test_the_reason_of_a_death_is_told_without_its_json(world):
    world.fleet.replicas["lime", "preprocessor"] = 1
    world.after(0)
    world.launcher.handle(WORKER).code = 1
    world.after(1)
    assert str(world.deaths[0]) == "lime-preprocessor-0: exit code 1: NATS refuses us"


def test_a_service_that_dies_at_once_is_not_started_in_a_tight_loop(world):
    world.fleet.replicas["lime", "preprocessor"] = 1
    for _ in range(600):
        world.after(0.1)
        world.launcher.handle(WORKER).code = 1
    assert len(world.launcher.started) < 15


def test_a_worker_that_is_scaled_away_is_stopped_and_its_end_is_no_restart(world):
    world.fleet.replicas["lime", "preprocessor"] = 2
    world.after(0)
    world.fleet.replicas["lime", "preprocessor"] = 1
    world.after(1)
    second = world.launcher.handle(Slot("lime", "preprocessor", 1))
    assert second.stopped
    assert world.fleet.count("lime", "preprocessor") == 1
    second.code = 0
    world.after(1)
    world.after(1)
    assert world.slots() == ["lime-preprocessor-0"]
    assert world.deaths == []
    assert len(world.launcher.started) == 2


def test_a_worker_that_hangs_when_it_should_end_is_killed_after_its_grace(world):
    world.fleet.replicas["lime", "preprocessor"] = 1
    world.after(0)
    world.fleet.replicas["lime", "preprocessor"] = 0
    world.after(1)
    world.after(29)
    assert world.slots() == ["lime-preprocessor-0"]
    world.after(2)
    world.after(0.1)
    assert world.slots() == []


def test_at_the_end_what_feeds_others_goes_first(world):
    for service in SERVICES:
        world.fleet.replicas["lime", service] = 1
    world.after(0)
    world.fleet.ending = True
    order = []
    while world.fleet.alive():
        world.after(1)
        for slot in world.fleet.alive():
            handle = world.launcher.handle(slot)
            if handle.stopped and handle.code is None:
                order.append(slot.service)
                handle.code = 0
    assert order == list(SERVICES)
    assert world.deaths == []


def test_an_emergency_leaves_nobody(world):
    world.fleet.replicas["lime", "preprocessor"] = 3
    world.after(0)
    world.fleet.kill_all()
    world.fleet.replicas.clear()
    world.after(1)
    assert world.slots() == []


def test_a_service_that_hangs_is_killed_started_again_and_that_is_said(world):
    world.fleet.replicas["lime", "preprocessor"] = 1
    world.after(0)
    world.after(60)
    world.fleet.end_hung(WORKER, "no answer")
    world.after(0.1)
    world.after(0.2)
    assert world.slots() == ["lime-preprocessor-0"]
    assert str(world.deaths[0]) == (
        "lime-preprocessor-0: killed by signal 9: it was hung (no answer) and is started again"
    )


def test_a_service_that_is_being_stopped_is_left_to_its_grace(world):
    world.fleet.replicas["lime", "preprocessor"] = 1
    world.after(0)
    world.fleet.replicas["lime", "preprocessor"] = 0
    world.after(1)
    world.fleet.end_hung(WORKER, "no answer")
    assert world.launcher.handle(WORKER).code is None


def test_one_failed_probe_kills_nobody_three_in_a_row_do():
    liveness, bad, good = Liveness(), {WORKER: "runs: no turn for 70 s"}, {WORKER: ""}
    assert [liveness.look(each) for each in (bad, bad, good, bad, bad)] == [{}] * 5
    assert liveness.look(bad) == bad
    assert liveness.look(bad) == {}, "the one that was started in its place begins anew"


def test_wanted_slots_are_told_by_name(world):
    world.fleet.replicas["lime", "preprocessor"] = 2
    assert world.fleet.wanted() == ["lime-preprocessor-0", "lime-preprocessor-1"]


def test_long_last_words_are_told_without_json_and_cut(tmp_path):
    log = tmp_path / "log"
    error = "ValueError: " + "x" * 2000
    log.write_text('{"message": "begins"}\n' + json.dumps({"level": "error", "error": error}) + "\n")
    told = said(last_words(log))
    assert told.startswith("ValueError: x")
    assert len(told) < 310


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"message": "service died", "error": "KeyError: 1"}', "KeyError: 1"),
        ('{"message": "stopping"}', "stopping"),
        ("Traceback: plain", "Traceback: plain"),
        ("[1, 2]", "[1, 2]"),
        ("", ""),
    ],
)
def test_last_words_of_any_form_are_told(line, words):
    assert said(line) == words
