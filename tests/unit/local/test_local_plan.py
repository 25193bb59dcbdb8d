"""What `cygnet up` starts, stops and kills next is a function of what is wanted and what is seen."""

from hypothesis import given
from hypothesis import strategies as st

from cygnet.local.plan import (
    SERVICES,
    Seen,
    Slot,
    Step,
    plan,
    quick_deaths_after,
    restart_delay,
    wanted_slots,
)

A, B = Slot("lime", "preprocessor", 0), Slot("lime", "preprocessor", 1)


def alive(slot, since=0.0, **more):
    return Seen(slot=slot, alive=True, since=since, **more)


def dead(slot, since=0.0, **more):
    return Seen(slot=slot, alive=False, since=since, **more)


def test_what_is_missing_is_started_and_what_runs_is_left_alone():
    assert plan({A, B}, [alive(A)], now=5, grace_seconds=30) == [Step("start", B)]


def test_fewer_replicas_stop_the_highest_index_so_that_the_others_go_on():
    wanted = wanted_slots({("lime", "preprocessor"): 1}, ending=False, alive=[A, B])
    assert plan(wanted, [alive(A), alive(B)], now=5, grace_seconds=30) == [Step("stop", B)]


def test_a_worker_that_is_stopping_gets_its_grace_and_then_is_killed():
    stopping = alive(B, stopping_since=10.0)
    assert plan({A}, [alive(A), stopping], now=39, grace_seconds=30) == []
    assert plan({A}, [alive(A), stopping], now=41, grace_seconds=30) == [Step("kill", B)]


def test_a_worker_that_is_wanted_again_while_it_stops_is_not_started_beside_itself():
    assert plan({A, B}, [alive(A), alive(B, stopping_since=1.0)], now=2, grace_seconds=30) == []
    assert plan({A, B}, [alive(A), dead(B, since=3.0)], now=4, grace_seconds=30) == [Step("start", B)]


def test_a_service_that_keeps_dying_is_started_less_and_less_often():
    assert plan({A}, [dead(A, since=0.0, quick_deaths=5)], now=1.0, grace_seconds=30) == []
    assert plan({A}, [dead(A, since=0.0, quick_deaths=5)], now=1.7, grace_seconds=30) == [Step("start", A)]


@given(st.integers(0, 10_000))
def test_restart_delay_never_falls_and_has_a_bound(deaths):
    assert 0.1 <= restart_delay(deaths) <= restart_delay(deaths + 1) <= 10.0


def test_only_deaths_soon_after_the_start_count_as_quick():
    assert quick_deaths_after(3, lived_seconds=1.0, asked=False) == 4
    assert quick_deaths_after(3, lived_seconds=60.0, asked=False) == 0
    assert quick_deaths_after(3, lived_seconds=1.0, asked=True) == 0


def test_what_feeds_others_ends_before_them():
    replicas = {("lime", service): 1 for service in SERVICES}
    left = {Slot("lime", service, 0) for service in SERVICES}
    order = []
    while left:
        wanted = wanted_slots(replicas, ending=True, alive=left)
        (step,) = plan(wanted, [alive(slot) for slot in left], now=0, grace_seconds=30)
        assert step.what == "stop"
        order.append(step.slot.service)
        left.remove(step.slot)
    assert order == list(SERVICES)


@given(st.integers(0, 8), st.integers(0, 8), st.booleans())
def test_carrying_out_the_plan_leaves_nothing_to_do(wanted_count, seen_count, dies):
    wanted = {Slot("p", "preprocessor", n) for n in range(wanted_count)}
    seen = [alive(Slot("p", "preprocessor", n)) for n in range(seen_count)]
    world = {each.slot: each for each in seen}
    for now in (0.0, 100.0, 200.0):
        for step in plan(wanted, world.values(), now, 30):
            match step.what:
                case "start":
                    world[step.slot] = alive(step.slot, now)
                case "stop":
                    world[step.slot] = dead(step.slot, now) if dies else alive(step.slot, stopping_since=now)
                case "kill":
                    world[step.slot] = dead(step.slot, now)
                case "forget":
                    del world[step.slot]
    assert {slot for slot, each in world.items() if each.alive} == wanted
