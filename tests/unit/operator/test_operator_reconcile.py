"""The objects of a Pipeline: what they hold, when pods roll, and when nothing is to be applied."""

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cygnet.spec.loader import loads
from cygnet_operator.observed import Role
from cygnet_operator.reconcile import HASH_ANNOTATION, covers, objects
from cygnet_operator.reconcile.labels import INSTANCE
from unit.operator.pipelines import SETTINGS, observed

ONE_EACH = dict.fromkeys(Role, 1)
Json = dict[str, Any]


def made(**spec: Any) -> dict[tuple[str, str], Json]:
    return {each.key: each.document for each in objects(observed(**spec), SETTINGS, ONE_EACH)}


def pod_of(found: dict[tuple[str, str], Json], role: str) -> Json:
    template: Json = found["Deployment", f"lime-{role}"]["spec"]["template"]
    return template


def test_every_object_of_the_design_is_there_and_owned_by_the_pipeline() -> None:
    found = made()
    assert set(found) == {
        ("ServiceAccount", "lime"),
        ("Secret", "lime-connection"),
        ("ConfigMap", "lime-spec"),
        ("Service", "lime-metrics"),
        ("NetworkPolicy", "lime"),
        ("PodDisruptionBudget", "lime-preprocessor"),
        ("PodDisruptionBudget", "lime-uploader"),
        *(("Deployment", f"lime-{role}") for role in Role),
    }
    for each in found.values():
        [owner] = each["metadata"]["ownerReferences"]
        assert owner["uid"] == "uid-lab-lime"
        assert each["metadata"]["namespace"] == "lab"
        assert each["metadata"]["labels"][INSTANCE] == "lime"


def test_every_selector_selects_its_own_pods() -> None:
    found = made()
    pods = {str(role): pod_of(found, role)["metadata"]["labels"] for role in Role}

    def selected(labels: Json) -> set[str]:
        return {role for role, pod in pods.items() if labels.items() <= pod.items()}

    everyone = {str(role) for role in Role}
    assert selected(found["NetworkPolicy", "lime"]["spec"]["podSelector"]["matchLabels"]) == everyone
    assert selected(found["Service", "lime-metrics"]["spec"]["selector"]) == everyone
    for role in ("preprocessor", "uploader"):
        budget = found["PodDisruptionBudget", f"lime-{role}"]["spec"]["selector"]
        assert selected(budget["matchLabels"]) == {role}
    for role in Role:
        deployment = found["Deployment", f"lime-{role}"]["spec"]["selector"]
        assert selected(deployment["matchLabels"]) == {str(role)}


def test_every_object_is_of_a_stable_api() -> None:
    versions = {each["apiVersion"] for each in made().values()}
    assert {version.rpartition("/")[2] for version in versions} == {"v1"}


def test_pods_pass_the_restricted_profile_and_get_no_token() -> None:
    found = made()
    assert found["ServiceAccount", "lime"]["automountServiceAccountToken"] is False
    for role in Role:
        pod = pod_of(found, role)["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        [container] = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_config_map_holds_a_spec_that_the_loader_of_services_reads() -> None:
    text = made(preprocessor={"stages": [{"window": {"min": 80, "max": 120}}]})["ConfigMap", "lime-spec"][
        "data"
    ]
    [read] = loads(text["pipeline.yaml"])
    assert (read.metadata.namespace, read.metadata.name) == ("lab", "lime")
    assert read.spec.preprocessor.window is not None


WINDOW = {"preprocessor": {"stages": [{"window": {"min": 80, "max": 120}}]}}


@pytest.mark.parametrize(
    "change",
    [
        {"preprocessor": {"stages": [{"window": {"min": 10, "max": 30}}]}},
        {**WINDOW, "lifecycle": "Paused"},
        {**WINDOW, "deletionPolicy": "Delete"},
        {**WINDOW, "uploader": {"replicas": 3}},
        {"preprocessor": {**WINDOW["preprocessor"], "replicas": 9}},
        {"preprocessor": {**WINDOW["preprocessor"], "scaling": {"maxReplicas": 50}}},
    ],
)
def test_what_is_live_rolls_no_pod(change: Json) -> None:
    before, after = made(**WINDOW), made(**change)
    for role in Role:
        assert pod_of(before, role) == pod_of(after, role)


@pytest.mark.parametrize(
    "change",
    [
        {"preprocessor": {"stages": [{"window": {"min": 80, "max": 120, "output": "levels"}}]}},
        {**WINDOW, "uploader": {"prefix": "other"}},
        {**WINDOW, "aggregator": {"chunkSize": 7}},
    ],
)
def test_what_services_read_at_their_start_rolls_them(change: Json) -> None:
    before, after = made(**WINDOW), made(**change)
    assert all(pod_of(before, role) != pod_of(after, role) for role in Role)


def test_resources_of_one_role_roll_that_role_only() -> None:
    before = made()
    after = made(pods={"preprocessor": {"resources": {"requests": {"cpu": "2"}}}})
    rolled = [role for role in Role if pod_of(before, role) != pod_of(after, role)]
    assert rolled == [Role.PREPROCESSOR]


def test_a_changed_password_rolls_the_pods_that_use_it_and_is_not_given_away() -> None:
    from dataclasses import replace

    from cygnet_operator.settings import Login

    other = replace(SETTINGS, logins={**SETTINGS.logins, "uploader": Login("uploader-user", "new-word")})
    before = {each.key: each.document for each in objects(observed(), SETTINGS, ONE_EACH)}
    after = {each.key: each.document for each in objects(observed(), other, ONE_EACH)}
    rolled = [role for role in Role if pod_of(before, role) != pod_of(after, role)]
    assert rolled == [Role.UPLOADER]
    for role in Role:
        assert "new-word" not in yaml.safe_dump(after["Deployment", f"lime-{role}"])


def test_secrets_of_the_user_win_and_ours_is_emptied() -> None:
    found = made(
        nats={"url": "nats://own:4333", "secretName": "mine"},
        storage={"endpoint": "https://s3.own", "secretName": "keys"},
    )
    assert found["Secret", "lime-connection"]["data"] == {}
    [container] = pod_of(found, "uploader")["spec"]["containers"]
    env = {each["name"]: each for each in container["env"]}
    assert env["NATS_URL"]["value"] == "nats://own:4333"
    assert env["CYGNET_NATS_USER"]["valueFrom"]["secretKeyRef"] == {"name": "mine", "key": "username"}
    assert env["AWS_SECRET_ACCESS_KEY"]["valueFrom"]["secretKeyRef"]["name"] == "keys"
    ports = found["NetworkPolicy", "lime"]["spec"]["egress"][0]["ports"]
    assert {each["port"] for each in ports} == {53, 4333, 443}


def test_a_pod_has_time_to_finish_a_frame_to_flush_and_a_little_more() -> None:
    pod = pod_of(made(streams={"maxProcessingSeconds": 100, "ackWaitSeconds": 101}), "preprocessor")["spec"]
    assert pod["terminationGracePeriodSeconds"] == 120
    env = {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}
    assert env["CYGNET_GRACE_SECONDS"] == "115"


def test_a_limit_without_a_request_is_the_request() -> None:
    pod = pod_of(made(pods={"source": {"resources": {"limits": {"memory": "64Mi"}}}}), "source")["spec"]
    assert pod["containers"][0]["resources"] == {"requests": {"cpu": "25m"}, "limits": {"memory": "64Mi"}}


# whether an object is as it should be


def as_served(document: Json) -> Json:
    """Return an object as the API server might have it: more fields, quantities in its own form."""
    served = copy.deepcopy(document)
    served["metadata"] |= {"uid": "u", "resourceVersion": "3", "generation": 2}
    served["metadata"]["labels"]["added"] = "by another"
    served["status"] = {"replicas": 1}
    if document["kind"] == "Deployment":
        served["spec"]["progressDeadlineSeconds"] = 600
        container = served["spec"]["template"]["spec"]["containers"][0]
        container["terminationMessagePath"] = "/dev/termination-log"
        container["env"].append({"name": "FOREIGN", "value": "1"})
        container["resources"]["requests"]["cpu"] = "0.025"
    return served


def test_what_others_added_is_no_reason_to_apply() -> None:
    for each in made().values():
        assert covers(as_served(each), each)


def paths(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    found = [path] if path and not isinstance(document, dict | list) else []
    return found + [inner for name, value in items for inner in paths(value, (*path, name))]


EVERY_LEAF = [(key, path) for key, each in made().items() for path in paths(each)]


@given(st.sampled_from(EVERY_LEAF), st.booleans())
def test_any_edited_or_removed_field_is_noticed(
    leaf: tuple[tuple[str, str], tuple[Any, ...]], removed: bool
) -> None:
    key, path = leaf
    wanted = made()[key]
    there = as_served(wanted)
    place: Any = there
    for name in path[:-1]:
        place = place[name]
    if removed and isinstance(place, dict):
        del place[path[-1]]
    else:
        place[path[-1]] = "edited"
    assert not covers(there, wanted)


def test_a_field_that_is_no_longer_wanted_is_noticed_by_the_hash() -> None:
    before = made(pods={"source": {"nodeSelector": {"disk": "fast"}}})["Deployment", "lime-source"]
    after = made()["Deployment", "lime-source"]
    assert (
        before["metadata"]["annotations"][HASH_ANNOTATION]
        != after["metadata"]["annotations"][HASH_ANNOTATION]
    )
    assert not covers(before, after)


def test_replicas_are_in_every_apply() -> None:
    counts = {Role.SOURCE: 0, Role.PREPROCESSOR: 7, Role.AGGREGATOR: 1, Role.UPLOADER: 2}
    found = {each.key: each.document for each in objects(observed(), SETTINGS, counts)}
    assert {role: found["Deployment", f"lime-{role}"]["spec"]["replicas"] for role in Role} == counts
    assert found["Deployment", "lime-source"]["spec"]["strategy"] == {"type": "Recreate"}
    assert (
        found["Deployment", "lime-preprocessor"]["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    )
