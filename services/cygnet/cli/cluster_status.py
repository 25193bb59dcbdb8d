"""`cygnet status` on a cluster: whether each Pipeline is well, and if not, why."""

from collections.abc import Mapping
from typing import Any

import typer

from cygnet.cli.cluster import Cluster
from cygnet.cli.output import print_json

_GOOD_WHEN_FALSE = ("Stalled", "Backpressured", "ScalingLimited")
_NUMBERS = (
    ("rateHz", "{:g} frames/s"),
    ("lagSeconds", "lag {:g} s"),
    ("backlog", "{} frames wait"),
    ("storedEvents", "{} stored"),
    ("deadEvents", "{} dead"),
)


def show_status(cluster: Cluster, pipeline: str | None, *, json_output: bool) -> bool:
    """Print the state of a namespace's Pipelines, or of one; return whether all are ready."""
    found = cluster.pipelines(pipeline)
    if json_output:
        documents = [
            {"pipeline": each["metadata"]["name"], "ready": is_ready(each), "status": each.get("status", {})}
            for each in found
        ]
        print_json({"cluster": cluster.context, "namespace": cluster.namespace, "pipelines": documents})
    else:
        typer.echo(f"looked at: {cluster}")
        for each in found:
            for line in lines(each):
                typer.echo(line)
    return all(is_ready(each) for each in found)


def is_ready(document: Mapping[str, Any]) -> bool:
    """Whether the operator says that a Pipeline is ready, of the spec as it is now."""
    generation = document["metadata"].get("generation")
    return any(
        each["type"] == "Ready" and each["status"] == "True" and each.get("observedGeneration") == generation
        for each in _conditions(document)
    )


def lines(document: Mapping[str, Any]) -> list[str]:
    """Return what is to be said of one Pipeline: its numbers, and each condition that is not as it should."""
    name, status = document["metadata"]["name"], document.get("status", {})
    if not status.get("conditions"):
        return [f"  {name}: no operator has looked at it yet"]
    state = "ready" if is_ready(document) else "not ready"
    numbers = ", ".join(form.format(status[field]) for field, form in _NUMBERS if field in status)
    workers = f"{status.get('readyReplicas', 0)} of {status.get('desiredReplicas', 0)} workers ready"
    run = f", run {status['run']}" if status.get("run") else ""
    said = [f"  {name}: {state}; {workers}{run}{'; ' if numbers else ''}{numbers}"]
    news = (each for each in _conditions(document) if _is_news(each))
    return said + [
        f"    {each['type']} {each['status']}, {each['reason']}: {each['message']}" for each in news
    ]


def _conditions(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(document.get("status", {}).get("conditions", []))


def _is_news(condition: Mapping[str, Any]) -> bool:
    kind, value = condition["type"], condition["status"]
    if kind in ("Paused", "Draining", "Drained", *_GOOD_WHEN_FALSE):
        return bool(value == "True")
    return bool(value != "True")
