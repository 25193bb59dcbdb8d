"""`cygnet scaling explain` on a cluster: the last decisions, from a Pipeline's status and its Events."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import typer

from cygnet.cli.cluster import Cluster
from cygnet.cli.output import print_json, print_table
from cygnet.scaling.conditions import BACKPRESSURED, METRICS_AVAILABLE, SCALING_LIMITED, STALLED

_ANNOTATION = "cygnet.dev/decision"
_MOST = 12
_CONDITIONS = (METRICS_AVAILABLE, STALLED, BACKPRESSURED, SCALING_LIMITED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A decision as the cluster tells of it; `inputs` as far as they are still known."""

    time: str
    current: int
    desired: int
    reason: str
    message: str
    dry_run: bool
    inputs: Mapping[str, float] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, int, int, str]:
        """What the status and an Event about the same decision have in common."""
        return self.time, self.current, self.desired, self.reason


def explain_on(cluster: Cluster, pipeline: str | None, *, json_output: bool) -> None:
    """Print the decisions of each Pipeline of a namespace, or of one. Raises ClusterError, NoSuchError."""
    found = cluster.pipelines(pipeline)
    told = {
        each["metadata"]["name"]: decisions(each, cluster.events(each["metadata"]["name"])) for each in found
    }
    if json_output:
        print_json(
            {
                each["metadata"]["name"]: {
                    "decisions": [_document(decision) for decision in told[each["metadata"]["name"]]],
                    "conditions": _conditions(each),
                }
                for each in found
            }
        )
        return
    typer.echo(f"looked at: status and Events of Pipelines in {cluster}")
    for each in found:
        _print(each, told[each["metadata"]["name"]])


def decisions(document: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Return what status and Events tell, each decision once and with the most numbers, oldest first.

    The Events reach further back than the status until the API server drops them, after an hour.
    """
    status = document.get("status", {})
    found: dict[tuple[str, int, int, str], Told] = {}
    of_status = [
        *status.get("decisions", ()),
        *([status["lastDecision"]] if "lastDecision" in status else ()),
    ]
    for each in (*(_of_event(event) for event in events), *(_told(entry) for entry in of_status)):
        if each is None:
            continue
        before = found.get(each.key)
        more = max((before.inputs if before else {}, each.inputs), key=len)
        found[each.key] = Told(
            time=each.time,
            current=each.current,
            desired=each.desired,
            reason=each.reason,
            message=each.message,
            dry_run=each.dry_run,
            inputs=more,
        )
    return sorted(found.values(), key=lambda each: each.time)


def _told(entry: Mapping[str, Any], message: str = "") -> Told | None:
    """Return the decision of a status field or of an Event's annotation; None for what is none."""
    try:
        moment = entry["time"]
        if isinstance(moment, int | float):
            moment = f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
        inputs = entry.get("inputs") or {}
        return Told(
            time=str(moment),
            current=int(entry["from"]),
            desired=int(entry["to"]),
            reason=str(entry["reason"]),
            message=str(entry.get("message") or message),
            dry_run=bool(entry.get("dryRun", False)),
            inputs={name: float(value) for name, value in inputs.items() if isinstance(value, int | float)},
        )
    except (KeyError, TypeError, ValueError):
        return None


def _of_event(event: Mapping[str, Any]) -> Told | None:
    text = (event["metadata"].get("annotations") or {}).get(_ANNOTATION)
    if text is None:  # about something else
        return None
    try:
        entry = json.loads(text)
    except ValueError:
        return None
    _, _, message = str(event.get("note", "")).partition(": ")
    return _told(entry, message) if isinstance(entry, dict) else None


def _print(document: Mapping[str, Any], told: Sequence[Told]) -> None:
    name = document["metadata"]["name"]
    scaling = document.get("spec", {}).get("preprocessor", {}).get("scaling", {})
    mode = scaling.get("mode", "auto")
    if mode == "external":
        typer.echo(f"{name}: scaling mode external, replicas are set by others on the scale subresource")
    if not told:
        typer.echo(f"{name}: no decision about scaling yet; does the operator run?")
        return
    typer.echo(f"{name}: the last decisions, newest below")
    print_table(("since", ">workers", "reason", "why"), (_row(each) for each in told[-_MOST:]))
    for each in _conditions(document):
        typer.echo(f"  {each['type']} {each['status']}, {each['reason']}: {each.get('message', '')}")
    last = next((each for each in reversed(told) if each.inputs), None)
    if last:
        typer.echo(f"on these numbers, at {_clock(last.time)}:")
        print_table(("", ""), [(key, f"{value:g}") for key, value in sorted(last.inputs.items())])


def _row(told: Told) -> tuple[str, ...]:
    change = f"{told.current}"
    if told.desired != told.current:
        change += f" → {told.desired}" + (" (dry run)" if told.dry_run else "")
    return _clock(told.time), change, told.reason, told.message


def _clock(moment: str) -> str:
    return moment.replace("T", " ")


def _conditions(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    conditions = document.get("status", {}).get("conditions", [])
    return [each for each in conditions if each["type"] in _CONDITIONS]


def _document(told: Told) -> dict[str, Any]:
    return {
        "time": told.time,
        "from": told.current,
        "to": told.desired,
        "reason": told.reason,
        "message": told.message,
        "dryRun": told.dry_run,
        "inputs": dict(told.inputs),
    }
