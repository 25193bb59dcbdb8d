"""A small cluster for the tests of the operator's scaling: pods start after a while, people interfere."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from cygnet.scaling import Lifecycle, Sample
from cygnet.spec.loader import loads
from cygnet.spec.pipeline import Pipeline
from cygnet_operator.observed import Observed, Role, RoleState, Scaled
from cygnet_operator.scaling import PipelineScaler, open_scaler
from unit.scaling.scaling_histories import START, healthy

START_TICKS = 4


@cache
def pipeline(lifecycle: Lifecycle = Lifecycle.RUNNING, replicas: int = 1, **scaling: object) -> Pipeline:
    """Return a Pipeline with this scaling."""
    document = {
        "apiVersion": "cygnet.dev/v1alpha1",
        "kind": "Pipeline",
        "metadata": {"name": "lime", "namespace": "beam"},
        "spec": {
            "lifecycle": str(lifecycle),
            "sources": [{"name": "cam", "announcements": {"subjects": ["daq/data"]}}],
            "preprocessor": {"replicas": replicas, "scaling": scaling},
        },
    }
    [found] = loads(json.dumps(document))
    return found


def observed(
    asked: int | None = 1,
    *,
    ready: int | None = None,
    status: dict[str, Any] | None = None,
    annotations: dict[str, str] | None = None,
    unschedulable: int = 0,
    rolling_out: bool = False,
    **spec: Any,
) -> Observed:
    """Return the Pipeline on a cluster; `asked` None: its Deployment is not there yet."""
    state = (
        None
        if asked is None
        else RoleState(
            asked=asked,
            ready=asked if ready is None else ready,
            unschedulable=unschedulable,
            rolling_out=rolling_out,
        )
    )
    return Observed(
        pipeline=pipeline(**spec),
        uid="u",
        generation=1,
        annotations=annotations or {},
        status=status or {},
        roles={} if state is None else {Role.PREPROCESSOR: state},
    )


def numbers(sample: Sample) -> Sample:
    """Return the part of a sample that NATS tells."""
    return replace(sample, ready=None, desired=None, unschedulable=None, rolling_out=None, lifecycle=None)


@dataclass(frozen=True)
class Hour:
    """One tick: messages that arrive, what a pod can do of them, and what else happens."""

    arrives: int = 0
    per_pod: int = 60
    together: int = 1_000_000
    nats: dict[str, Any] = field(default_factory=dict)
    """Other inputs of the sample."""
    is_away: bool = False
    """NATS says nothing."""
    cluster: dict[str, Any] = field(default_factory=dict)
    """Arguments of `observed`."""
    scale: int | None = None
    """`kubectl scale pl`."""
    restart: bool = False
    """The operator begins anew, from the status."""


@dataclass(frozen=True)
class Tick:
    """What was seen and what was said."""

    hour: Hour
    observed: Observed
    sample: Sample
    scaled: Scaled


def live(hours: Iterable[Hour], *, pods: int = 1, **scaling: object) -> list[Tick]:
    """Let a Pipeline live through the hours; decisions that act are carried out at once."""
    ticks: list[Tick] = []
    asked, acked, last_seq, wish = [pods] * (START_TICKS + 1), 0, 0, 1
    scaler: PipelineScaler | None = None
    status: dict[str, Any] = {}
    for number, hour in enumerate(hours):
        now = START + 5 * number
        desired = asked[-1]
        ready = min(asked[-START_TICKS - 1 :])
        wish = wish if hour.scale is None else hour.scale
        last_seq += hour.arrives
        waiting = last_seq - acked
        in_hand = min(waiting, ready)
        seen = observed(desired, ready=ready, status=status, replicas=wish, **hour.cluster, **scaling)
        if scaler is None or hour.restart:
            scaler = open_scaler(seen)
        counts = {"pending": waiting - in_hand, "ack_pending": in_hand, "acked": acked, "last_seq": last_seq}
        sample = Sample(time=now) if hour.is_away else numbers(healthy(now, **(counts | hour.nats)))
        scaled = scaler.tick(seen, sample)
        ticks.append(Tick(hour, seen, sample, scaled))
        status = json.loads(json.dumps(status | dict(scaled.status)))
        decision = scaled.decision
        asked.append(decision.desired if decision.acts and decision.desired is not None else desired)
        acked += min(last_seq - acked, ready * hour.per_pod, hour.together)
    return ticks
