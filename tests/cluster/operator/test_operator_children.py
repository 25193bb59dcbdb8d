"""Children that are deleted, edited, fought for or orphaned: each is again as it should be."""

import json
import time
from typing import Any

from cluster.kubectl import until
from cluster.operator.operator_process import a_pipeline
from cluster.operator.world import World


def test_a_pipeline_gets_its_objects_and_all_conditions(world: World, namespace: str) -> None:
    world.apply(a_pipeline("lime", namespace))
    found = world.has_children(namespace, "lime")
    assert set(found) == {
        "ServiceAccount/lime",
        "ConfigMap/lime-spec",
        "Service/lime-metrics",
        "NetworkPolicy/lime",
        "PodDisruptionBudget/lime-preprocessor",
        "PodDisruptionBudget/lime-uploader",
        "Deployment/lime-source",
        "Deployment/lime-preprocessor",
        "Deployment/lime-aggregator",
        "Deployment/lime-uploader",
    }
    world.says(namespace, "lime", "Accepted", "True")
    world.says(namespace, "lime", "StreamsReady", "True")
    ready = world.says(namespace, "lime", "Ready", "False")
    assert ready["reason"] == "SourceNotReady"  # there are no nodes here
    conditions = world.pipeline(namespace, "lime")["status"]["conditions"]
    assert len(conditions) == 11
    assert all(each["observedGeneration"] == 1 for each in conditions)


def test_every_deleted_child_comes_back(world: World, namespace: str) -> None:
    world.apply(a_pipeline("lime", namespace))
    before = world.has_children(namespace, "lime")
    for key in before:
        kind, _, name = key.partition("/")
        world.server.must("delete", kind, name, "--namespace", namespace, "--wait=false")
    after = world.has_children(namespace, "lime")
    assert all(after[key]["metadata"]["uid"] != before[key]["metadata"]["uid"] for key in before)


def test_every_edited_child_is_put_right(world: World, namespace: str) -> None:
    world.apply(a_pipeline("lime", namespace))
    world.has_children(namespace, "lime")
    edits: dict[str, dict[str, Any]] = {
        "deployment/lime-source": {"spec": {"replicas": 7}},
        "deployment/lime-uploader": {
            "spec": {"template": {"spec": {"containers": [{"name": "uploader", "image": "evil/image:1"}]}}}
        },
        "configmap/lime-spec": {"data": {"pipeline.yaml": "{}"}},
        "service/lime-metrics": {"spec": {"selector": {"app.kubernetes.io/name": "other"}}},
        "networkpolicy/lime": {"spec": {"egress": []}},
        "poddisruptionbudget/lime-uploader": {"spec": {"maxUnavailable": 0}},
        "serviceaccount/lime": {"automountServiceAccountToken": True},
    }
    wanted = {key: world.server.get(key, "--namespace", namespace) for key in edits}
    for key, patch in edits.items():
        world.server.must("patch", key, "--namespace", namespace, "--patch", json.dumps(patch))

    def right(key: str) -> bool:
        there = world.server.get(key, "--namespace", namespace)
        parts = ("spec", "data", "automountServiceAccountToken")
        return all(there.get(part) == wanted[key].get(part) for part in parts)

    for key in edits:
        until(f"{key} is right again", lambda key=key: right(key))


def test_fields_that_another_manager_took_are_taken_back_and_its_own_are_left(
    world: World, namespace: str
) -> None:
    world.apply(a_pipeline("lime", namespace))
    world.has_children(namespace, "lime")
    foreign = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "lime-source", "namespace": namespace, "annotations": {"theirs": "stays"}},
        "spec": {"replicas": 5, "strategy": {"type": "Recreate"}},
    }
    world.server.must(
        *("apply", "--server-side", "--force-conflicts", "--field-manager=foreign", "--filename", "-"),
        text=json.dumps(foreign),
    )

    def replicas() -> bool:
        return bool(
            world.server.get("deployment/lime-source", "--namespace", namespace)["spec"]["replicas"] == 1
        )

    until("one source again", replicas)
    there = world.server.get("deployment/lime-source", "--namespace", namespace)
    assert there["metadata"]["annotations"]["theirs"] == "stays"
    version = there["metadata"]["resourceVersion"]
    time.sleep(6)  # a beat and a visit: what is right is left alone
    again = world.server.get("deployment/lime-source", "--namespace", namespace)
    assert again["metadata"]["resourceVersion"] == version


def test_orphaned_children_are_adopted_by_a_new_pipeline_of_the_old_name(
    world: World, namespace: str
) -> None:
    world.apply(a_pipeline("lime", namespace))
    before = world.has_children(namespace, "lime")
    world.server.must("delete", "pipeline/lime", "--namespace", namespace, "--cascade=orphan", "--wait=false")
    # There is no garbage collector here, which would do these two.
    world.server.must("patch", "pipeline/lime", "--namespace", namespace, "--type=merge",
                      "--patch", json.dumps({"metadata": {"finalizers": None}}))  # fmt: skip
    for key in before:
        kind, _, name = key.partition("/")
        world.server.must("patch", kind, name, "--namespace", namespace, "--type=merge",
                          "--patch", json.dumps({"metadata": {"ownerReferences": None}}))  # fmt: skip
    world.apply(a_pipeline("lime", namespace))
    uid = world.pipeline(namespace, "lime")["metadata"]["uid"]

    def adopted() -> bool:
        found = world.children(namespace, "lime").values()
        owners = [[owner["uid"] for owner in each["metadata"].get("ownerReferences", [])] for each in found]
        return owners == [[uid]] * 10

    until("all children are the new one's", adopted)
    after = world.children(namespace, "lime")
    assert all(after[key]["metadata"]["uid"] == before[key]["metadata"]["uid"] for key in before)


def test_a_changed_window_changes_no_object_but_the_spec(world: World, namespace: str) -> None:
    stages = {"stages": [{"window": {"min": 80, "max": 120}}]}
    world.apply(a_pipeline("lime", namespace, preprocessor=stages))
    before = world.has_children(namespace, "lime")
    world.says(namespace, "lime", "StreamsReady", "True")
    world.apply(a_pipeline("lime", namespace, preprocessor={"stages": [{"window": {"min": 10, "max": 99}}]}))

    def told() -> bool:
        events = world.server.get("events.events.k8s.io", "--namespace", namespace)["items"]
        return any(each["reason"] == "ParametersChanged" for each in events)

    until("an Event of the parameters", told)
    after = world.children(namespace, "lime")
    version = {key: "generation" if "generation" in each["metadata"] else "resourceVersion"
               for key, each in before.items()}  # fmt: skip
    changed = {key for key, name in version.items()
               if before[key]["metadata"][name] != after[key]["metadata"][name]}  # fmt: skip
    assert changed == {"ConfigMap/lime-spec"}
