"""What the world does to an operator: each time it comes back, and one bad Pipeline stops no other."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from cluster.api_server import running_api_server
from cluster.kubectl import until
from cluster.operator.operator_process import ROLE, a_pipeline
from cluster.operator.world import CRD, World
from cygnet.spec.crd import crd_yaml

AWAY_SECONDS = float(os.environ.get("CYGNET_AWAY_SECONDS", "60"))
REFUSED_SECONDS = float(os.environ.get("CYGNET_REFUSED_SECONDS", "75"))
"""Longer than the minute after which a watch of kopf's own settings gives up."""


def works(world: World, namespace: str, name: str, seconds: float = 60.0) -> None:
    """A new Pipeline gets what it needs, and an edited child is put right."""
    world.apply(a_pipeline(name, namespace))
    world.has_children(namespace, name, seconds)
    world.says(namespace, name, "Accepted", "True", seconds)


def test_an_api_server_that_is_away_for_a_minute(world: World, namespace: str) -> None:
    works(world, namespace, "before")
    world.proxy.cut()
    world.server.must("delete", "deployment/before-uploader", "--namespace", namespace, "--wait=false")
    world.apply(a_pipeline("during", namespace))
    time.sleep(AWAY_SECONDS)
    assert world.operator.get("/healthz")[0] == 200
    world.proxy.restore()
    world.has_children(namespace, "before", 60)
    world.has_children(namespace, "during", 60)
    works(world, namespace, "after")


def test_a_watch_that_is_dropped_again_and_again(world: World, namespace: str) -> None:
    works(world, namespace, "lime")
    for place in range(5):
        world.proxy.drop()
        world.server.must("delete", "configmap/lime-spec", "--namespace", namespace, "--wait=false")
        world.has_children(namespace, "lime")
        works(world, namespace, f"lime-{place}")


def test_rights_that_are_taken_away_for_longer_than_a_minute(world: World, namespace: str) -> None:
    works(world, namespace, "before")
    binding = world.server.get("clusterrolebinding", ROLE)
    world.server.must("delete", "clusterrolebinding", ROLE)
    world.proxy.drop()
    world.server.must("delete", "deployment/before-uploader", "--namespace", namespace, "--wait=false")
    world.apply(a_pipeline("during", namespace))
    time.sleep(REFUSED_SECONDS)
    assert len(world.children(namespace, "during")) == 0
    assert world.operator.get("/healthz")[0] == 200
    kept = {part: binding[part] for part in ("apiVersion", "kind", "roleRef", "subjects")}
    world.apply({**kept, "metadata": {"name": ROLE}})
    world.has_children(namespace, "during", 60)
    world.has_children(namespace, "before", 60)
    works(world, namespace, "after")


def test_nats_that_is_away_and_comes_back(world: World, namespace: str) -> None:
    works(world, namespace, "lime")
    world.says(namespace, "lime", "StreamsReady", "True")
    world.nats.kill()
    away = world.says(namespace, "lime", "StreamsReady", "False", 60)
    assert away["reason"] == "NatsUnreachable"
    assert world.condition(namespace, "lime", "Ready")["reason"] == "NatsUnreachable"
    works(world, namespace, "during")
    world.nats.start()
    world.says(namespace, "lime", "StreamsReady", "True", 60)
    world.says(namespace, "during", "StreamsReady", "True", 60)


def test_a_definition_that_comes_after_the_operator(make_world: Callable[..., World], tmp_path: Path) -> None:
    folder = tmp_path / "api-server"
    folder.mkdir()
    with running_api_server(folder) as server:
        namespace = server.namespace()
        world = make_world(server, namespace)
        world.operator.start(ready=False)
        until("it waits", lambda: "no Pipeline resource" in world.operator.get("/readyz")[1], 60)
        assert world.operator.get("/healthz")[0] == 200
        server.must("apply", "--server-side", "--filename", "-", text=crd_yaml())
        server.must("wait", "--for=condition=Established", CRD, "--timeout=30s")
        until("it is ready", lambda: world.operator.get("/readyz")[0] == 200, 30)
        works(world, namespace, "lime")
        world.operator.kill()


def test_a_spec_that_only_the_models_refuse_stops_no_other(
    make_world: Callable[..., World], tmp_path: Path
) -> None:
    """Objects from before a rule was in the definition are in the cluster all the same."""
    folder = tmp_path / "api-server"
    folder.mkdir()
    with running_api_server(folder) as server:
        server.must("apply", "--server-side", "--filename", "-", text=yaml.safe_dump(without_rules()))
        server.must("wait", "--for=condition=Established", CRD, "--timeout=30s")
        namespace = server.namespace()
        world = make_world(server, namespace)
        world.apply(a_pipeline("bad", namespace, aggregator={"maxBytes": 1 << 30}))
        world.operator.start()
        works(world, namespace, "good")
        refused = world.says(namespace, "bad", "Accepted", "False")
        assert refused["reason"] == "SpecInvalid"
        assert "aggregator.maxBytes must not exceed half of streams.chunksBytes" in refused["message"]
        assert world.children(namespace, "bad") == {}
        world.apply(a_pipeline("bad", namespace))
        world.says(namespace, "bad", "Accepted", "True")
        world.has_children(namespace, "bad")
        world.apply(a_pipeline("good", namespace, aggregator={"maxBytes": 1 << 30}))
        world.says(namespace, "good", "Accepted", "False")
        assert len(world.children(namespace, "good")) == 10
        world.operator.kill()


def without_rules() -> object:
    """Return the definition without its rules in CEL."""

    def bare(part: object) -> object:
        if isinstance(part, dict):
            return {name: bare(each) for name, each in part.items() if name != "x-kubernetes-validations"}
        return [bare(each) for each in part] if isinstance(part, list) else part

    return bare(yaml.safe_load(crd_yaml()))


def test_of_two_pipelines_on_one_prefix_the_younger_waits_for_the_older(world: World, namespace: str) -> None:
    shared = {"bucket": "shared", "prefix": namespace}
    world.apply(a_pipeline("older", namespace, uploader=shared))
    world.says(namespace, "older", "Accepted", "True")
    world.apply(a_pipeline("younger", namespace, uploader=shared))
    refused = world.says(namespace, "younger", "Accepted", "False")
    assert f"claimed by {namespace}/older" in refused["message"]
    world.operator.stop()
    world.operator.start()
    assert world.condition(namespace, "younger", "Accepted")["status"] == "False"
    world.server.must("delete", "pipeline/older", "--namespace", namespace)
    world.says(namespace, "younger", "Accepted", "True")
    world.has_children(namespace, "younger")


def test_a_write_between_our_reading_and_our_writing_is_no_trouble(world: World, namespace: str) -> None:
    works(world, namespace, "lime")
    for place in range(20):
        patch = {
            "metadata": {"annotations": {"note": str(place)}},
            "spec": {"uploader": {"replicas": 1 + place % 2}},
        }
        world.server.must(
            "patch", "pipeline/lime", "--namespace", namespace, "--type=merge", "--patch", json.dumps(patch)
        )
    generation = world.pipeline(namespace, "lime")["metadata"]["generation"]

    def followed() -> bool:
        status = world.pipeline(namespace, "lime")["status"]
        return bool(status["observedGeneration"] == generation)

    until("the last spec is followed", followed)
    there = world.server.get("deployment/lime-uploader", "--namespace", namespace)
    assert there["spec"]["replicas"] == 2


def test_a_restart_changes_nothing_and_an_idle_pipeline_costs_no_writes(world: World, namespace: str) -> None:
    works(world, namespace, "lime")
    world.says(namespace, "lime", "StreamsReady", "True")
    world.says(namespace, "lime", "MetricsAvailable", "True")
    until("the first half minute's numbers", lambda: world.operator.decisions(namespace, "lime") >= 7, 90)
    code, seconds = world.operator.stop()
    assert (code, seconds < 15) == (0, True)
    before = world.children(namespace, "lime")
    world.operator.start()
    until("nine decisions more", lambda: world.operator.decisions(namespace, "lime") >= 9, 90)
    after = world.children(namespace, "lime")
    versions = {key: each["metadata"]["resourceVersion"] for key, each in before.items()}
    assert versions == {key: each["metadata"]["resourceVersion"] for key, each in after.items()}
    assert world.operator.requests("apply").keys() <= {"secrets", "pipelines/status"}
    writes = world.operator.requests("apply").get("pipelines/status", 0)
    assert writes <= 2, "the first look of a new operator may find other numbers, and then no more"


def test_a_pipeline_that_is_deleted_while_the_operator_is_down_is_forgotten(
    world: World, namespace: str
) -> None:
    works(world, namespace, "gone")
    world.operator.stop()
    world.server.must("delete", "pipeline/gone", "--namespace", namespace)
    world.apply(a_pipeline("new", namespace))
    world.operator.start()
    world.has_children(namespace, "new")
    assert "operator died" not in world.operator.log.read_text()
