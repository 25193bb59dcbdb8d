"""Every metric of the operator, in one place: name, unit, labels and what it says."""

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
)

REGISTRY = CollectorRegistry()
for _collector in (GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR):
    REGISTRY.register(_collector)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


def _counter(name: str, says: str, *labels: str) -> Counter:
    return Counter(f"cygnet_operator_{name}", says, labels, registry=REGISTRY)


def _gauge(name: str, says: str, *labels: str) -> Gauge:
    return Gauge(f"cygnet_operator_{name}", says, labels, registry=REGISTRY)


def _histogram(name: str, says: str, *labels: str) -> Histogram:
    return Histogram(f"cygnet_operator_{name}", says, labels, registry=REGISTRY, buckets=_SECONDS)


RECONCILES = _counter(
    "reconciles_total",
    "Visits to Pipelines, by outcome: unchanged, changed (something was written), failed.",
    "outcome",
)
RECONCILE_SECONDS = _histogram("reconcile_seconds", "Time that one visit to a Pipeline takes.")
RECONCILE_ERRORS = _counter("reconcile_errors_total", "Visits that failed, by the error's reason.", "reason")
API_CALLS = _counter(
    "api_calls_total",
    "Calls of the Kubernetes API by verb and HTTP code (0: no answer); watches are kopf's and not counted.",
    "verb",
    "code",
)
API_SECONDS = _histogram("api_call_seconds", "Time that a call of the Kubernetes API takes.", "verb")
DIRTY = _gauge("dirty_pipelines", "Pipelines that wait for a visit.")
DIRTY_AGE_SECONDS = _gauge("dirty_age_seconds", "Time that the Pipeline which is due longest has waited.")
WATCHERS_ALIVE = _gauge("watchers_alive", "Watches that run.")
WATCHERS_WANTED = _gauge("watchers_wanted", "Watches that should run: kinds times namespaces.")
PIPELINES = _gauge("pipelines", "Pipelines in the watched namespaces.")
NATS_CONNECTED = _gauge("nats_connected", "1 while the connection to the installation's NATS stands.")
EVENTS_LOST = _counter("events_lost_total", "Events that the API server did not take.")
SWEPT = _counter(
    "swept_pipelines_total", "Deleted Pipelines whose streams and bucket were removed from NATS."
)
LOOP_BEAT_AGE_SECONDS = _gauge("loop_beat_age_seconds", "Time since a loop last made a turn.", "loop")
