"""Metrics of whole pipelines, by whoever watches them: the operator on a cluster, `cygnet up` on one machine.

Both say the same under the same names, so that alerts and dashboards need not know which of them it was. A
number that is not known is no series: nothing here goes on telling what was true a while ago.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    disable_created_metrics,
)

from cygnet.scaling import Action, Condition, Decision, Reason, ScalingSpec, Status
from cygnet.transport.streams import StreamState

disable_created_metrics()  # type: ignore[no-untyped-call]  # a third of all series, and nobody asks
REGISTRY = CollectorRegistry()
for _collector in (GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR):
    REGISTRY.register(_collector)

_PIPELINE = ("namespace", "pipeline")
_of_pipelines: list[Counter | Gauge] = []


def _gauge(name: str, says: str, *labels: str) -> Gauge:
    metric = Gauge(f"cygnet_pipeline_{name}", says, (*_PIPELINE, *labels), registry=REGISTRY)
    _of_pipelines.append(metric)
    return metric


def _counter(name: str, says: str, *labels: str) -> Counter:
    metric = Counter(f"cygnet_pipeline_{name}", says, (*_PIPELINE, *labels), registry=REGISTRY)
    _of_pipelines.append(metric)
    return metric


# state
CONDITION = _gauge(
    "condition",
    "A condition of the Pipeline, as in its status: 1 True, 0 False, -1 Unknown.",
    "condition",
)

# scaling: what was asked for and what may be asked for
DESIRED_REPLICAS = _gauge("desired_replicas", "Preprocessors that are asked for.")
READY_REPLICAS = _gauge("ready_replicas", "Preprocessors that are ready.")
UNSCHEDULABLE_REPLICAS = _gauge("unschedulable_replicas", "Preprocessors that no node takes.")
MIN_REPLICAS = _gauge("min_replicas", "spec.preprocessor.scaling.minReplicas.")
MAX_REPLICAS = _gauge("max_replicas", "spec.preprocessor.scaling.maxReplicas.")
CEILING_REPLICAS = _gauge("ceiling_replicas", "Preprocessors that the consumer's max_ack_pending can feed.")
TARGET_LAG_SECONDS = _gauge(
    "target_lag_seconds", "spec.preprocessor.scaling.targetLagSeconds: how old the oldest frame may become."
)
DECISIONS = _counter(
    "scaling_decisions_total",
    "Decisions of the scaling policy, one every tick, by direction (up, down, hold) and reason. With dryRun"
    " they are counted and not carried out.",
    "direction",
    "reason",
)
DRY_RUN = _gauge("scaling_dry_run", "1 while spec.preprocessor.scaling.dryRun is set.")

# scaling: what a decision was made from
INPUTS: Final[Mapping[str, Gauge]] = {
    "pending": _gauge("pending_messages", "Messages with frames that no preprocessor has yet."),
    "ack_pending": _gauge("ack_pending_messages", "Messages with frames that preprocessors have in hand."),
    "acked": _gauge("acked_messages", "Messages that have left FRAMES since the stream was made."),
    "last_seq": _gauge("announced_messages", "Messages that have entered FRAMES since the stream was made."),
    "frames_per_message": _gauge("frames_per_message_ratio", "Frames in a message, as learned."),
    "processed_frames": _gauge("processed_frames", "Frames that preprocessors say they have processed."),
    "oldest_age_seconds": _gauge("oldest_age_seconds", "Age of the oldest frame that waits; 0: none does."),
    "unprocessed_seconds": _gauge(
        "unprocessed_seconds", "Time since a frame was last finished while some wait."
    ),
    "lag_seconds": _gauge("lag_seconds", "Time that the backlog takes at the rate of now."),
    "backlog_frames": _gauge("backlog_frames", "Frames that wait or are in hand."),
    "arrival_hz": _gauge("arrival_frames_per_second", "Frames that arrive, smoothed."),
    "processed_hz": _gauge("processed_frames_per_second", "Frames that are finished."),
    "mu_hz": _gauge("capacity_frames_per_second", "What one busy preprocessor finishes, as learned."),
    "demand_pods": _gauge("demand_replicas", "Preprocessors that the load needs: arrivals and backlog."),
    "arrival_pods": _gauge("arrival_demand_replicas", "Preprocessors that the arrivals alone need."),
    "backlog_pods": _gauge("backlog_demand_replicas", "Preprocessors that the backlog needs besides."),
    "peak_demand_pods": _gauge("peak_demand_replicas", "Highest demand within scaleDownWindowSeconds."),
    "growths_in_vain": _gauge("growths_in_vain", "Growths in a row that brought no throughput."),
    "results_fill": _gauge("results_fill_ratio", "RESULTS: bytes held of those allowed, 0 to 1."),
    "chunks_fill": _gauge("chunks_fill_ratio", "CHUNKS: bytes held of those allowed, 0 to 1."),
    "rolling_out": _gauge("rolling_out", "1 while pods of an old template exist."),
    "run_active": _gauge("run_active", "1 while a run is on."),
    "beam_active": _gauge("beam_active", "1 while the source says that there is beam."),
    "scale_in_paused": _gauge("scale_in_paused", "1 while an annotation holds scale-in."),
    "scale_out_paused": _gauge("scale_out_paused", "1 while an annotation holds scale-out."),
    "ready": READY_REPLICAS,
    "desired": DESIRED_REPLICAS,
    "unschedulable": UNSCHEDULABLE_REPLICAS,
    "ceiling": CEILING_REPLICAS,
}

# streams
STREAM_BYTES = _gauge(
    "stream_bytes", "Bytes that a stream holds: frames, results, chunks, notices, account, dead.", "stream"
)
STREAM_LIMIT_BYTES = _gauge(
    "stream_limit_bytes", "Bytes that a stream may hold; absent for one without a limit of its own.", "stream"
)
STREAM_MESSAGES = _gauge("stream_messages", "Messages that a stream holds.", "stream")

# JetStream as a whole: one account holds the streams of many pipelines
STORAGE_BYTES = Gauge(
    "cygnet_jetstream_storage_bytes",
    "Bytes that JetStream holds on disk for the account that these pipelines are in.",
    ("server",),
    registry=REGISTRY,
)
STORAGE_LIMIT_BYTES = Gauge(
    "cygnet_jetstream_storage_limit_bytes",
    "Bytes that this account may hold on disk; absent for an account without a limit.",
    ("server",),
    registry=REGISTRY,
)

_CHANGES: Final = (
    *(
        (Action.UP, reason)
        for reason in (
            Reason.DEMAND_ABOVE_CAPACITY,
            Reason.PROBING_CAPACITY,
            Reason.BELOW_MIN_REPLICAS,
            Reason.WAKE_UP,
        )
    ),
    *(
        (Action.DOWN, reason)
        for reason in (Reason.DEMAND_BELOW_CAPACITY, Reason.ABOVE_MAX_REPLICAS, Reason.IDLE)
    ),
)
_AS_NUMBER: Final = {Status.TRUE: 1, Status.FALSE: 0, Status.UNKNOWN: -1}


def note_decision(namespace: str, pipeline: str, decision: Decision, spec: ScalingSpec) -> None:
    """Take a decision of the policy: replicas, every number behind it, conditions, and count it."""
    for name, gauge in INPUTS.items():
        _set(gauge, decision.inputs.get(name), namespace, pipeline)
    if decision.acts:
        _set(DESIRED_REPLICAS, decision.desired, namespace, pipeline)
    for gauge, value in (
        (MIN_REPLICAS, spec.min_replicas),
        (MAX_REPLICAS, spec.max_replicas),
        (TARGET_LAG_SECONDS, spec.target_lag_seconds),
        (DRY_RUN, spec.dry_run),
    ):
        gauge.labels(namespace, pipeline).set(value)
    for direction, reason in _CHANGES:  # `increase` sees a first one only where there was a 0 before it
        DECISIONS.labels(namespace, pipeline, direction, reason)
    DECISIONS.labels(namespace, pipeline, decision.action, decision.reason).inc()
    note_conditions(namespace, pipeline, decision.conditions)


def note_storage(server: str, used_bytes: int, limit_bytes: int) -> None:
    """Take what JetStream holds for an account; a limit of -1 or 0 is none. `server` has no credentials."""
    STORAGE_BYTES.labels(server).set(used_bytes)
    _set(STORAGE_LIMIT_BYTES, limit_bytes if limit_bytes > 0 else None, server)


def note_conditions(namespace: str, pipeline: str, conditions: Iterable[Condition]) -> None:
    """Take conditions of a Pipeline; others stay as they are."""
    for condition in conditions:
        CONDITION.labels(namespace, pipeline, condition.type).set(_AS_NUMBER[condition.status])


def note_streams(namespace: str, pipeline: str, streams: Mapping[str, StreamState]) -> None:
    """Take what streams hold, by their short names: frames, results, chunks, notices, account, dead."""
    for name, state in streams.items():
        STREAM_BYTES.labels(namespace, pipeline, name).set(state.bytes)
        STREAM_MESSAGES.labels(namespace, pipeline, name).set(state.messages)
        limit = state.max_bytes if state.max_bytes > 0 else None
        _set(STREAM_LIMIT_BYTES, limit, namespace, pipeline, name)


def forget(namespace: str, pipeline: str) -> None:
    """Drop every series of a pipeline that is no more."""
    for metric in _of_pipelines:
        metric.remove_by_labels({"namespace": namespace, "pipeline": pipeline})


def _set(gauge: Gauge, value: float | str | None, *labels: str) -> None:
    """Set a number that is known; one that is not leaves no series."""
    if value is None:
        gauge.remove(*labels)
    else:
        gauge.labels(*labels).set(float(value))
