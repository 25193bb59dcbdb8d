"""From Deployments and pods to the state of a role, and to how many of it there should be."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cygnet_operator.children import missing, role_states
from cygnet_operator.lifecycle import Phase, Step
from cygnet_operator.member import source_pods
from cygnet_operator.observed import Role, RoleState
from cygnet_operator.reconcile.labels import labels
from cygnet_operator.replicas import replicas
from unit.operator.pipelines import observed

Json = dict[str, Any]
RUNNING = Step(phase=Phase.RUNNING, source=1, others=True)
DRAINING = Step(phase=Phase.DRAINING, source=0, others=True, min_preprocessors=1)
DRAINED = Step(phase=Phase.DRAINED, source=0, others=False)


def deployment(role: Role, asked: int = 1, generation: int = 1, **status: Any) -> Json:
    metadata = {"name": f"lime-{role}", "labels": labels("lime", role), "generation": generation}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": asked},
            "status": {"observedGeneration": 1, **status}}  # fmt: skip


def pod(role: Role, name: str, *, ending: bool = False, **status: Any) -> Json:
    metadata: Json = {"name": name, "labels": labels("lime", role)}
    if ending:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"kind": "Pod", "metadata": metadata, "status": status}


def states(*children: Json) -> dict[Role, RoleState]:
    return role_states({(each["kind"], each["metadata"]["name"]): each for each in children})


def test_pods_that_are_ending_still_count_as_a_source() -> None:
    found = states(deployment(Role.SOURCE, 0), pod(Role.SOURCE, "a", ending=True, phase="Running"))
    assert found[Role.SOURCE].ending == 1
    assert source_pods(found) == 1
    assert source_pods(states(deployment(Role.SOURCE, 0))) == 0


def test_a_source_that_may_still_come_counts_too() -> None:
    assert source_pods(states(deployment(Role.SOURCE, 1))) == 1
    assert source_pods(states(deployment(Role.SOURCE, 0, generation=2))) == 1


def test_a_pod_that_is_over_is_no_pod() -> None:
    assert (
        states(deployment(Role.SOURCE, 0), pod(Role.SOURCE, "a", phase="Failed"))[Role.SOURCE].replicas == 0
    )


def test_unschedulable_pods_are_counted_and_told() -> None:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/2 nodes fit",
    }
    found = states(deployment(Role.PREPROCESSOR, 2), pod(Role.PREPROCESSOR, "a", conditions=[condition]))
    assert found[Role.PREPROCESSOR].unschedulable == 1
    assert found[Role.PREPROCESSOR].trouble == "a: 0/2 nodes fit"


def test_the_last_words_of_a_service_are_told() -> None:
    line = '{"level": "error", "message": "refused", "error": "S3 denies: check the keys"}'
    ended = {"exitCode": 1, "reason": "Error", "message": f"something\n{line}\n"}
    status = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": ended}}
    found = states(deployment(Role.UPLOADER), pod(Role.UPLOADER, "a", containerStatuses=[status]))
    assert found[Role.UPLOADER].trouble == "a: exit code 1: refused: S3 denies: check the keys"


def test_a_rollout_is_told_from_a_change_of_replicas() -> None:
    assert states(deployment(Role.UPLOADER, replicas=3, updatedReplicas=1))[Role.UPLOADER].rolling_out
    assert not states(deployment(Role.UPLOADER, 3, replicas=1, updatedReplicas=1))[Role.UPLOADER].rolling_out


def test_a_pod_without_its_secret_is_noticed() -> None:
    status = {"state": {"waiting": {"reason": "CreateContainerConfigError"}}}
    assert missing({("Pod", "a"): pod(Role.UPLOADER, "a", containerStatuses=[status])})
    assert not missing({("Pod", "a"): pod(Role.UPLOADER, "a", containerStatuses=[{}])})


ASKED = st.none() | st.integers(0, 30)


@given(decided=ASKED, asked=ASKED, told=ASKED, low=st.integers(0, 5), more=st.integers(1, 10))
def test_replicas_are_the_last_decision_else_what_is_there_within_the_bounds(
    decided: int | None, asked: int | None, told: int | None, low: int, more: int
) -> None:
    seen = observed(
        preprocessor={"scaling": {"minReplicas": low, "maxReplicas": low + more}},
        roles={} if asked is None else {Role.PREPROCESSOR: RoleState(asked=asked)},
        status={} if told is None else {"desiredReplicas": told},
    )
    count = replicas(seen, RUNNING, decided)[Role.PREPROCESSOR]
    first = next((each for each in (decided, asked, told) if each is not None), low)
    assert count == min(max(first, low), low + more)
    assert replicas(seen, DRAINING, decided)[Role.PREPROCESSOR] == max(1, count)
    assert set(replicas(seen, DRAINED, decided).values()) == {0}


def test_with_an_external_scaler_the_spec_is_followed() -> None:
    seen = observed(preprocessor={"replicas": 9, "scaling": {"mode": "external"}})
    assert replicas(seen, RUNNING, 3)[Role.PREPROCESSOR] == 9
