"""Scaling through a real API server: by load, by hand, by others, over a restart, and told afterwards."""

import asyncio
import json
import time
from typing import Any

import pytest

from cluster.kubectl import until
from cluster.operator.operator_process import a_pipeline
from cluster.operator.world import World
from cluster.report import Measured
from cygnet.cli.main import run
from cygnet.transport.connection import close, connect
from cygnet.transport.names import Names
from cygnet.transport.publisher import PublishWindow

SOURCE = [{"name": "cam", "announcements": {"subjects": ["daq/data"]}}]


def scaled(name: str, namespace: str, **scaling: Any) -> dict[str, Any]:
    return a_pipeline(name, namespace, sources=SOURCE, preprocessor={"scaling": scaling})


def replicas(world: World, namespace: str, name: str) -> int:
    deployment = world.server.get("deployment", f"{name}-preprocessor", "--namespace", namespace)
    return int(deployment["spec"]["replicas"])


def ask(world: World, namespace: str, name: str, count: int) -> None:
    world.server.must("scale", "pl", name, f"--replicas={count}", "--namespace", namespace)


def decisions(world: World, namespace: str, name: str) -> list[dict[str, Any]]:
    return list(world.pipeline(namespace, name).get("status", {}).get("decisions", []))


def events(world: World, namespace: str, reason: str) -> list[dict[str, Any]]:
    found = world.server.get("events.events.k8s.io", "--namespace", namespace)["items"]
    return [each for each in found if each["reason"] == reason]


def announce(url: str, names: Names) -> None:
    async def publish() -> None:
        nc = await connect(url, name="test")
        window = PublishWindow(nc)
        await window.publish(names.frame_subject("cam"), b"{}")
        await window.close()
        await close(nc)

    asyncio.run(publish())


def test_the_first_frame_wakes_a_sleeping_pipeline_within_seconds(
    world: World, namespace: str, measured: Measured
) -> None:
    world.apply(scaled("lime", namespace, minReplicas=0))
    world.has_children(namespace, "lime")
    assert replicas(world, namespace, "lime") == 0
    world.says(namespace, "lime", "MetricsAvailable", "True")
    announce(world.nats.url, Names(namespace, "lime"))
    begun = time.monotonic()
    until("a worker is asked for", lambda: replicas(world, namespace, "lime") == 1)
    took = time.monotonic() - begun
    measured(f"from the first frame to a worker that is asked for: {took:.1f} s")
    assert took < 5
    until("an Event says so", lambda: events(world, namespace, "WakeUp"))


def test_kubectl_scale_is_followed_inside_the_bounds_and_only_there(world: World, namespace: str) -> None:
    world.apply(scaled("lime", namespace, maxReplicas=6))
    world.has_children(namespace, "lime")
    world.says(namespace, "lime", "MetricsAvailable", "True")
    ask(world, namespace, "lime", 4)
    until("four workers are asked for", lambda: replicas(world, namespace, "lime") == 4)
    told = until("the status tells of it", lambda: decisions(world, namespace, "lime"))
    assert (1, 4, "ManualScale") in [(each["from"], each["to"], each["reason"]) for each in told]
    [event] = until("an Event tells of it", lambda: events(world, namespace, "ManualScale"))
    assert "asked for by hand" in event["note"]
    ask(world, namespace, "lime", 50)
    [event] = until("an Event refuses it", lambda: events(world, namespace, "AboveMaxReplicas"))
    assert "50 pods asked for by hand, maxReplicas is 6" in event["note"]
    assert replicas(world, namespace, "lime") == 4


def test_a_restart_changes_no_count_and_forgets_no_wish(world: World, namespace: str) -> None:
    world.apply(scaled("lime", namespace, maxReplicas=6))
    world.has_children(namespace, "lime")
    world.says(namespace, "lime", "MetricsAvailable", "True")
    ask(world, namespace, "lime", 3)
    until("three workers are asked for", lambda: replicas(world, namespace, "lime") == 3)
    kept = until("it is kept", lambda: world.pipeline(namespace, "lime")["status"].get("scaling"))
    assert kept
    assert world.operator.stop()[0] == 0
    deployment = world.server.get("deployment", "lime-preprocessor", "--namespace", namespace)
    ask(world, namespace, "lime", 5)
    world.operator.start()
    until("what was asked for meanwhile is done", lambda: replicas(world, namespace, "lime") == 5)
    world.operator.stop()
    again = world.server.get("deployment", "lime-preprocessor", "--namespace", namespace)
    assert again["metadata"]["generation"] == deployment["metadata"]["generation"] + 1
    world.operator.start()
    world.says(namespace, "lime", "MetricsAvailable", "True")
    ticks = world.operator.ticks()
    until("the operator has looked again", lambda: world.operator.ticks() >= ticks + 2)
    last = world.server.get("deployment", "lime-preprocessor", "--namespace", namespace)
    assert last["metadata"]["generation"] == again["metadata"]["generation"]


def test_where_others_scale_the_deployment_follows_the_scale_subresource(
    world: World, namespace: str
) -> None:
    world.apply(scaled("lime", namespace, mode="external", maxReplicas=3))
    world.has_children(namespace, "lime")
    for count in (3, 5, 2):
        ask(world, namespace, "lime", count)
        until(
            f"{count} workers are asked for", lambda count=count: replicas(world, namespace, "lime") == count
        )
    assert not events(world, namespace, "ManualScale")
    scale = json.loads(
        world.server.must(
            "get", "--raw", f"/apis/cygnet.dev/v1alpha1/namespaces/{namespace}/pipelines/lime/scale"
        )
    )
    assert scale["spec"]["replicas"] == 2
    assert "app.kubernetes.io/component=preprocessor" in scale["status"]["selector"]


def test_explain_and_status_tell_of_it_through_the_kubeconfig(
    world: World, namespace: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(world.server.kubeconfig))
    world.apply(scaled("lime", namespace, maxReplicas=6))
    world.has_children(namespace, "lime")
    world.says(namespace, "lime", "MetricsAvailable", "True")
    ask(world, namespace, "lime", 4)
    until("the status tells of it", lambda: decisions(world, namespace, "lime"))
    until("an Event tells of it", lambda: events(world, namespace, "ManualScale"))

    def said(*words: str) -> str:
        with pytest.raises(SystemExit):
            run(list(words))
        return capsys.readouterr().out

    text = said("scaling", "explain", "lime", "-n", namespace)
    assert text.count("1 → 4") == 1
    assert "4 pods asked for by hand" in text
    assert "MetricsAvailable True, Complete" in text
    text = said("status", "-n", namespace)
    assert "lime: not ready; 0 of 4 workers ready" in text
    assert "Ready False" in text
