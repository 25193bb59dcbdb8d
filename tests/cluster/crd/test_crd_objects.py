"""Pipelines as an API server keeps them: defaults, scale, status, names, and what may not change."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.api_server import ApiServer
from cygnet.spec.crd import crd, crd_yaml
from cygnet.spec.loader import load, loads
from cygnet.spec.status import CONDITIONS
from fixtures.waiting import until
from hostile.spec_layout import FULL, MINIMAL, inside

EXAMPLES = sorted((Path(__file__).parents[3] / "examples/pipelines").glob("*.yaml"))


class Pipelines:
    """Pipelines of one namespace, through kubectl."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self.server = server
        self._where = ("--namespace", namespace)

    def apply(self, document: dict[str, Any]) -> str:
        """Return what an apply says, whether it succeeds or not."""
        text = json.dumps(document, ensure_ascii=False)
        answer = self.server.kubectl("apply", "--server-side", "--filename", "-", *self._where, text=text)
        return answer.output + answer.errors

    def spec(self, name: str = "lime") -> dict[str, Any]:
        found: dict[str, Any] = self.server.get("pipeline", name, *self._where)["spec"]
        return found

    def set_status(self, **status: Any) -> None:
        patch = json.dumps({"status": status})
        self.run("patch", "pl", "lime", "--subresource=status", "--type=merge", f"--patch={patch}")

    def run(self, *arguments: str) -> str:
        return self.server.must(*arguments, *self._where)


@pytest.fixture
def pipelines(api_server: ApiServer, namespace: str) -> Pipelines:
    return Pipelines(api_server, namespace)


def minimal(**changes: Any) -> dict[str, Any]:
    """Return a valid manifest with these parts of the spec."""
    document = copy.deepcopy(MINIMAL)
    document["spec"] |= changes
    return document


def condition(kind: str, status: str) -> dict[str, Any]:
    time = "2026-01-01T00:00:00Z"
    return {"type": kind, "status": status, "reason": "Tested", "message": "", "lastTransitionTime": time}


def test_defaults_are_those_of_the_loader(pipelines: Pipelines) -> None:
    assert "applied" in pipelines.apply(minimal())
    [loaded] = loads(json.dumps(MINIMAL))
    assert pipelines.spec() == loaded.spec.model_dump(mode="json", by_alias=True, exclude_none=True)


def test_every_field_is_taken_as_it_is_written(pipelines: Pipelines) -> None:
    document = copy.deepcopy(FULL)
    del document["metadata"]["namespace"], document["status"]
    assert "applied" in pipelines.apply(document)
    assert loads(json.dumps({**document, "spec": pipelines.spec()})) == loads(json.dumps(document))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_runs_here_and_there(pipelines: Pipelines, file: Path) -> None:
    assert "applied" in pipelines.run("apply", "--server-side", "--filename", str(file))
    [loaded] = load(file)
    assert pipelines.spec(file.stem) == loaded.spec.model_dump(mode="json", by_alias=True, exclude_none=True)


def test_there_are_examples() -> None:
    assert [file.stem for file in EXAMPLES] == ["lime", "sosc"]


def test_a_name_may_have_40_characters(pipelines: Pipelines) -> None:
    document = minimal()
    document["metadata"] = {"name": "a" * 40}
    assert "applied" in pipelines.apply(document)


def test_texts_of_any_script_are_kept(pipelines: Pipelines) -> None:
    document = minimal(sources=[{"name": "lime", "replay": {"path": "Bilder/größe ☃ 検出器"}}])
    document["metadata"]["annotations"] = {"shift.example/note": "пучок включён 🦢"}
    assert "applied" in pipelines.apply(document)
    assert pipelines.spec()["sources"][0]["replay"]["path"] == "Bilder/größe ☃ 検出器"
    kept = json.loads(pipelines.run("get", "pl", "lime", "--output", "json"))
    assert kept["metadata"]["annotations"] == {"shift.example/note": "пучок включён 🦢"}


def test_kubectl_scale_writes_the_preprocessors_replicas(pipelines: Pipelines) -> None:
    pipelines.apply(minimal())
    pipelines.set_status(replicas=2, selector="app.kubernetes.io/instance=lime")
    pipelines.run("scale", "pl", "lime", "--replicas=3")
    assert pipelines.spec()["preprocessor"]["replicas"] == 3
    scale = json.loads(pipelines.run("get", "pl", "lime", "--subresource=scale", "--output", "json"))
    assert scale["spec"] == {"replicas": 3}
    assert scale["status"] == {"replicas": 2, "selector": "app.kubernetes.io/instance=lime"}


def test_one_line_says_whether_it_is_well_and_if_not_why(pipelines: Pipelines) -> None:
    pipelines.apply(minimal())
    ready = condition("Ready", "False") | {"reason": "Stalled", "message": "no worker has finished a frame"}
    pipelines.set_status(
        conditions=[ready, *(condition(kind, "True") for kind in CONDITIONS if kind != "Ready")],
        rateHz=98.5,
        lagSeconds=2.1,
        replicas=3,
        desiredReplicas=4,
        storedEvents=4711,
        deadEvents=3,
        backlog=200,
        oldestAgeSeconds=2,
        run="r1",
    )
    head, line = pipelines.run("get", "cyg").splitlines()
    assert head.split() == [
        "NAME",
        "READY",
        "REASON",
        "RATE",
        "LAG",
        "REPLICAS",
        "DESIRED",
        "STORED",
        "DEAD",
        "AGE",
    ]
    assert line.split()[:-1] == ["lime", "False", "Stalled", "98.5", "2.1", "3", "4", "4711", "3"]
    wide = pipelines.run("get", "daq", "--output", "wide")
    assert "no worker has finished a frame" in wide
    assert "Running" in wide


def test_a_status_takes_what_the_operator_remembers_and_no_more(pipelines: Pipelines) -> None:
    pipelines.apply(minimal())
    decision = {"time": "2026-01-01T00:00:00Z", "from": 1, "to": 2, "reason": "DemandAboveCapacity"}
    decision |= {"message": "", "inputs": {"arrival_hz": 100.5, "run_active": 1}}
    pipelines.set_status(
        decisions=[decision] * 12,
        lastDecision=decision,
        scaling={"memory": "m" * 4096},
        capacityHz=12.5,
        parametersHash="0" * 64,
        specHash="0" * 64,
        observedGeneration=1,
    )
    with pytest.raises(AssertionError, match="Too many: 13"):
        pipelines.set_status(decisions=[decision] * 13)
    with pytest.raises(AssertionError, match="Too long"):
        pipelines.set_status(scaling={"memory": "m" * 4097})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("uploader.bucket", "other"),
        ("uploader.prefix", "other"),
        ("store", False),
        ("storage.endpoint", "http://minio:9000"),
        ("nats.url", "nats://other:4222"),
    ],
)
def test_where_things_lie_is_fixed_until_the_pipeline_is_drained(
    pipelines: Pipelines, field: str, value: object
) -> None:
    changed = minimal()
    *part, name = field.split(".")
    inside(changed, ("spec",)).update({part[0]: {name: value}} if part else {name: value})
    pipelines.apply(minimal())
    pipelines.set_status(conditions=[condition("Accepted", "True")])
    said = pipelines.apply(changed)
    assert f"spec.{field}: Invalid value" in said
    assert f"{field} is fixed while frames are on their way: set lifecycle: Drained" in said
    pipelines.set_status(conditions=[condition("Accepted", "True"), condition("Drained", "True")])
    assert "applied" in pipelines.apply(changed)


def test_a_pipeline_that_was_never_accepted_may_move(pipelines: Pipelines) -> None:
    pipelines.apply(minimal(uploader={"bucket": "taken"}))
    pipelines.set_status(conditions=[condition("Accepted", "False")])
    assert "applied" in pipelines.apply(minimal(uploader={"bucket": "free"}))


def test_sizes_replicas_and_times_change_in_place(pipelines: Pipelines) -> None:
    pipelines.apply(minimal())
    pipelines.set_status(conditions=[condition("Accepted", "True")])
    streams = {"framesBytes": 1 << 27, "replicas": 3, "ackWaitSeconds": 60, "maxProcessingSeconds": 45}
    stages = [{"window": {"min": 80, "max": 110}}]
    assert "applied" in pipelines.apply(minimal(streams=streams, preprocessor={"stages": stages}))


async def test_an_old_pipeline_lives_on_under_a_stricter_definition(
    api_server: ApiServer, pipelines: Pipelines
) -> None:
    looser = crd()
    scaling = inside(looser, ("spec", "versions", 0, "schema", "openAPIV3Schema", "properties", "spec"))
    scaling = inside(scaling, ("properties", "preprocessor", "properties", "scaling"))
    del scaling["x-kubernetes-validations"]
    scaling["properties"]["maxReplicas"]["maximum"] = 5000
    bounds = {"minReplicas": 7, "maxReplicas": 5}
    wrong = minimal(preprocessor={"scaling": bounds})
    try:
        api_server.install(json.dumps(looser))
        await until(_says(pipelines, wrong, "applied"), timeout=30)
    finally:
        api_server.install(crd_yaml())
    other = minimal()
    other["metadata"]["name"] = "other"
    other["spec"]["preprocessor"] = {"scaling": bounds}
    await until(_says(pipelines, other, "minReplicas must not exceed maxReplicas"), timeout=30)
    pipelines.run("annotate", "pl", "lime", "shift.example/note=kept")
    assert "applied" in pipelines.apply(wrong | {"spec": wrong["spec"] | {"runs": "endless"}})
    bounds["minReplicas"] = 6
    assert "minReplicas must not exceed maxReplicas" in pipelines.apply(wrong)


def _says(pipelines: Pipelines, document: dict[str, Any], words: str) -> Callable[[], bool]:
    return lambda: words in pipelines.apply(document)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("preprocessor.scaling", "How many preprocessors there are, and who decides it."),
        ("preprocessor.scaling", "Accepted: a number above 0, at most 1. Default: 0.7."),
        ("preprocessor.scaling", "`minReplicas` must not exceed `maxReplicas`."),
        ("streams.framesBytes", "Default: 67108864 (64 MiB)"),
        ("sources.simulator.burst", "absent: it is always on"),
        ("pods.preprocessor.resources.limits.cpu", "a quantity of Kubernetes, such as 500m, 2 or 1Gi"),
    ],
)
def test_kubectl_explain_reads_like_documentation(api_server: ApiServer, path: str, words: str) -> None:
    assert words in " ".join(api_server.must("explain", f"pipeline.spec.{path}").split())
