"""The status: every condition from the first visit, times that stand, and no write without a reason."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cygnet.scaling import Condition, Status
from cygnet_operator.admission import Refusal
from cygnet_operator.conditions import TYPES, Part
from cygnet_operator.lifecycle import Phase, Step
from cygnet_operator.observed import Role, RoleState
from cygnet_operator.status import Facts, is_due, reduce

WELL = {role: RoleState(asked=1, replicas=1, ready=1) for role in Role}
ONE_EACH = dict.fromkeys(Role, 1)
RUNNING = Step(phase=Phase.RUNNING, source=1, others=True)
STREAMS = Part(Status.TRUE, "StreamsReady", "there")
STORAGE = Part(Status.TRUE, "StorageReady", "there")
SCALED = tuple(
    Condition(kind, Status.FALSE, "Reason", "words")
    for kind in ("MetricsAvailable", "Stalled", "Backpressured", "ScalingLimited")
)


def facts(**other: Any) -> Facts:
    known: dict[str, Any] = {
        "name": "lime",
        "generation": 3,
        "streams": STREAMS,
        "storage": STORAGE,
        "step": RUNNING,
        "replicas": ONE_EACH,
        "roles": WELL,
        "scaled_conditions": SCALED,
    }
    return Facts(**(known | other))


def condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    [found] = [each for each in status["conditions"] if each["type"] == kind]
    return dict(found)


def test_all_conditions_are_there_from_the_first_visit_when_nothing_is_known() -> None:
    status = reduce({}, Facts(name="lime", generation=1), 1000.0)
    assert tuple(each["type"] for each in status["conditions"]) == TYPES
    for each in status["conditions"]:
        assert each["status"] in ("True", "False", "Unknown")
        assert each["reason"].isalnum()
        assert each["reason"][0].isupper()
        assert each["message"]
        assert each["observedGeneration"] == 1
        assert each["lastTransitionTime"] == "1970-01-01T00:16:40Z"


def test_a_condition_keeps_its_time_until_its_status_is_another() -> None:
    first = reduce({}, facts(), 1000.0)
    second = reduce(first, facts(generation=4), 2000.0)
    assert condition(second, "Ready")["lastTransitionTime"] == condition(first, "Ready")["lastTransitionTime"]
    assert condition(second, "Ready")["observedGeneration"] == 4
    third = reduce(second, facts(streams=Part(Status.FALSE, "NatsUnreachable", "away")), 3000.0)
    assert condition(third, "Ready")["lastTransitionTime"] == "1970-01-01T00:50:00Z"
    assert condition(third, "Ready")["reason"] == "NatsUnreachable"


def test_ready_says_which_role_is_not_there_and_why() -> None:
    broken = WELL | {
        Role.AGGREGATOR: RoleState(asked=1, trouble="lime-aggregator-1: ImagePullBackOff: no such image")
    }
    ready = condition(reduce({}, facts(roles=broken), 0.0), "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "AggregatorNotReady")
    assert "ImagePullBackOff" in ready["message"]


def test_a_role_that_should_be_asleep_is_no_trouble() -> None:
    asleep = facts(
        roles=WELL | {Role.PREPROCESSOR: RoleState(asked=0)}, replicas=ONE_EACH | {Role.PREPROCESSOR: 0}
    )
    assert condition(reduce({}, asleep, 0.0), "Ready")["status"] == "True"


def test_a_refused_spec_says_so_and_leaves_what_was_told_of_the_running_one() -> None:
    before = reduce({}, facts(), 1000.0)
    refused = Facts(name="lime", generation=4, refusal=Refusal("SpecInvalid", "spec.x: wrong"))
    after = reduce(before, refused, 2000.0)
    assert condition(after, "Accepted")["status"] == "False"
    assert condition(after, "Accepted")["message"] == "spec.x: wrong"
    assert condition(after, "StreamsReady") == condition(before, "StreamsReady")
    assert after["readyReplicas"] == before["readyReplicas"] == 1


def test_numbers_that_are_not_known_any_more_go_and_others_stay_over_a_restart() -> None:
    first = reduce({}, facts(numbers={"backlog": 5, "lagSeconds": 2.0}, scaled={"scaling": "memory"}), 0.0)
    restarted = reduce(first, facts(numbers=None), 1.0)
    assert (restarted["lagSeconds"], restarted["scaling"]) == (2.0, "memory")
    stalled = reduce(restarted, facts(numbers={"backlog": 5}), 2.0)
    assert "lagSeconds" not in stalled


def test_an_idle_pipeline_costs_no_writes() -> None:
    first = reduce({}, facts(numbers={"backlog": 0}, scaled={"scaling": "a"}), 0.0)
    later = reduce(first, facts(numbers={"backlog": 0}, scaled={"scaling": "b"}), 1e6)
    assert not is_due(first, later, 1e6)


@given(st.floats(0, 120), st.integers(0, 5), st.integers(0, 5))
def test_numbers_alone_are_written_every_half_minute(age: float, before: int, after: int) -> None:
    first = reduce({}, facts(numbers={"backlog": before}), 0.0)
    second = reduce(first, facts(numbers={"backlog": after}), 1.0)
    assert is_due(first, second, age) == (before != after and age >= 30)


def test_a_condition_or_decision_is_written_at_once() -> None:
    first = reduce({}, facts(), 0.0)
    assert is_due(first, reduce(first, facts(storage=Part(Status.FALSE, "StorageDenied", "no")), 1.0), 0.0)
    decided = {"lastDecision": {"time": "t", "from": 1, "to": 2, "reason": "DemandAboveCapacity"}}
    assert is_due(first, reduce(first, facts(scaled=decided), 1.0), 0.0)


def test_phases_are_told_by_three_conditions() -> None:
    for phase in Phase:
        step = Step(
            phase=phase, source=0, others=True, message="" if phase is not Phase.DRAINING else "3 frames"
        )
        status = reduce({}, facts(step=step), 0.0)
        told = {kind: condition(status, kind)["status"] for kind in ("Paused", "Draining", "Drained")}
        assert told == {
            "Paused": str(phase is Phase.PAUSED),
            "Draining": str(phase is Phase.DRAINING),
            "Drained": str(phase is Phase.DRAINED),
        }
        assert condition(status, "Drained")["reason"] == phase
