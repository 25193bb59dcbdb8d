"""What the operator says of itself; what it says of each Pipeline is in `cygnet.runtime.pipeline_metrics`.

`/metrics` serves `REGISTRY`, which holds both. Labels are few and bounded: a Pipeline's name is a label only
where an alert has to name it, and `forget` drops its series when the Pipeline is gone.
"""

from prometheus_client import Counter, Gauge, Histogram, Info

from cygnet.runtime import pipeline_metrics

REGISTRY = pipeline_metrics.REGISTRY

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


def _counter(name: str, says: str, *labels: str) -> Counter:
    return Counter(f"cygnet_operator_{name}", says, labels, registry=REGISTRY)


def _gauge(name: str, says: str, *labels: str) -> Gauge:
    return Gauge(f"cygnet_operator_{name}", says, labels, registry=REGISTRY)


def _histogram(name: str, says: str, *labels: str) -> Histogram:
    return Histogram(f"cygnet_operator_{name}", says, labels, registry=REGISTRY, buckets=_SECONDS)


OPERATOR = Info("cygnet_operator", "Version and installation of this operator.", registry=REGISTRY)

# what it looks after
PIPELINES = _gauge("pipelines", "Pipelines that this operator knows, by namespace.", "namespace")
WATCH_ALIVE = _gauge(
    "watch_alive",
    "1 while the watch of a resource (pipelines, deployments, pods) is answered, 0 while it is refused or"
    " away, or silent for too long.",
    "resource",
)
NATS_CONNECTED = _gauge(
    "nats_connected", "1 while the connection to a NATS stands, by its address without credentials.", "server"
)

# reconciling
RECONCILES = _counter(
    "reconciles_total",
    "Visits of a Pipeline by the reconcile task, by outcome: applied (something was written), unchanged,"
    " refused (its spec cannot be carried out), failed (something outside; it is tried again).",
    "outcome",
)
RECONCILE_SECONDS = _histogram("reconcile_seconds", "Time that one visit of a Pipeline takes.")
RECONCILE_FAILING = _gauge(
    "reconcile_failing",
    "1 while the last visit of this Pipeline failed, 0 after one that did not.",
    "namespace",
    "pipeline",
)
DIRTY_PIPELINES = _gauge("dirty_pipelines", "Pipelines that wait to be visited.")
DIRTY_AGE_SECONDS = _gauge("dirty_age_seconds", "Time that the Pipeline waiting longest has waited; 0: none.")

# scaling
SAMPLES = _counter(
    "samples_total",
    "Looks at a Pipeline's streams, by outcome: complete, incomplete (an input is missing), failed (NATS does"
    " not answer).",
    "outcome",
)
SAMPLE_SECONDS = _histogram("sample_seconds", "Time that one look at a Pipeline's streams takes.")
TICK_LATE_SECONDS = _histogram("tick_late_seconds", "How late a scaling tick was.")

# the API server
API_REQUESTS = _counter(
    "api_requests_total",
    "Requests to the API server: verb (get, list, watch, create, apply, patch, delete), resource (status and"
    " scale with a slash), code of the answer (0: none came).",
    "verb",
    "resource",
    "code",
)
API_SECONDS = _histogram(
    "api_request_seconds", "Time to the API server's answer; watches are not in it.", "verb"
)
EVENTS = _counter(
    "events_total", "Kubernetes Events that were written, by type and reason.", "type", "reason"
)

# what Pipelines leave on NATS
SWEEPS = _counter(
    "sweeps_total", "Sweeps for what deleted Pipelines left, by outcome: clean, removed, failed.", "outcome"
)
SWEPT_PIPELINES = _counter(
    "swept_pipelines_total", "Deleted Pipelines whose streams and values were removed."
)

# the process
LOOP_BEAT_AGE_SECONDS = _gauge(
    "loop_beat_age_seconds", "Time since a loop of the operator last made progress.", "loop"
)


def forget(namespace: str, pipeline: str) -> None:
    """Drop every series of a Pipeline that is no more."""
    RECONCILE_FAILING.remove(namespace, pipeline)
    pipeline_metrics.forget(namespace, pipeline)
