"""Exports what the operator exports, with a life: python -m observability.exporting ADDRESS_FILE."""

import sys
import time
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path

from prometheus_client import MetricsHandler

from cygnet.runtime import pipeline_metrics
from cygnet.scaling import Condition, History, Lifecycle, Sample, ScalingSpec, Status, decide
from cygnet.transport.streams import StreamState
from cygnet_operator import metrics

SPEC = ScalingSpec(min_replicas=1, max_replicas=8, target_lag_seconds=30)
WORKER_HZ = 10.0
LOADS = {"lime": (20.0, 60.0), "mango": (40.0, 5.0)}
"""Frames/s before and after two minutes."""


class Pipeline:
    """A pipeline whose workers finish ten frames a second each, a tick of the policy every second."""

    def __init__(self, name: str, now: float) -> None:
        self.name = name
        self.begun = now
        self.history = History(now=now)
        self.arrived, self.finished, self.workers = 0.0, 0.0, 1

    def tick(self, now: float) -> None:
        loads = LOADS[self.name]
        self.arrived += loads[now - self.begun > 120]
        self.finished = min(self.arrived, self.finished + WORKER_HZ * self.workers)
        waiting = self.arrived - self.finished
        sample = Sample(
            time=now,
            pending=round(waiting),
            ack_pending=0,
            acked=round(self.finished),
            last_seq=round(self.finished) + round(waiting),
            frames_per_message=1.0,
            oldest_age_seconds=waiting / WORKER_HZ / self.workers,
            results_fill=0.1,
            chunks_fill=0.05,
            ready=self.workers,
            desired=self.workers,
            unschedulable=0,
            rolling_out=False,
            lifecycle=Lifecycle.RUNNING,
            run_active=True,
            beam_active=True,
            ceiling=312,
        )
        decision = decide(self.history.then(sample, self.history.memory), SPEC)
        self.history = self.history.then(sample, decision.memory)
        self.workers = decision.desired or self.workers
        pipeline_metrics.note_decision("beam", self.name, decision, SPEC)
        ready = Condition("Ready", Status.TRUE, "Ready", "it is")
        pipeline_metrics.note_conditions("beam", self.name, [ready])
        held = StreamState(
            messages=round(waiting),
            bytes=round(waiting) << 16,
            max_bytes=64 << 20,
            first_seq=1,
            last_seq=1,
            first_ts=now,
        )
        streams = {
            name: replace(held, max_bytes=-1 if name == "account" else held.max_bytes) for name in STREAMS
        }
        pipeline_metrics.note_streams("beam", self.name, streams)
        if decision.acts:
            metrics.EVENTS.labels("Normal", decision.reason).inc()
            metrics.API_REQUESTS.labels("apply", "deployments", "200").inc()


STREAMS = ("frames", "results", "chunks", "notices", "account", "dead")


def live(pipelines: list[Pipeline]) -> None:
    """Let a second of the operator's life pass."""
    now = time.time()
    for pipeline in pipelines:
        begun = time.perf_counter()
        pipeline.tick(now)
        metrics.SAMPLES.labels("complete").inc()
        metrics.SAMPLE_SECONDS.observe(time.perf_counter() - begun)
        metrics.RECONCILES.labels("unchanged").inc()
        metrics.RECONCILE_SECONDS.observe(time.perf_counter() - begun)
        metrics.RECONCILE_FAILING.labels("beam", pipeline.name).set(0)
    metrics.PIPELINES.labels("beam").set(len(pipelines))
    metrics.API_REQUESTS.labels("patch", "pipelines/status", "200").inc()
    metrics.API_SECONDS.labels("patch").observe(0.012)
    metrics.TICK_LATE_SECONDS.observe(0.003)
    metrics.DIRTY_PIPELINES.set(0)
    metrics.DIRTY_AGE_SECONDS.set(0)
    metrics.LOOP_BEAT_AGE_SECONDS.labels("reconcile").set(0.1)
    metrics.NATS_CONNECTED.labels("nats:4222").set(1)
    metrics.SWEEPS.labels("clean").inc()
    for resource in ("pipelines", "deployments", "pods"):
        metrics.WATCH_ALIVE.labels(resource).set(1)
    pipeline_metrics.note_storage("nats:4222", 300 << 20, 1 << 30)


def main() -> None:
    """Serve until killed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), MetricsHandler.factory(metrics.REGISTRY))
    file = Path(sys.argv[1])
    file.with_suffix(".new").write_text(f"127.0.0.1:{server.server_address[1]}")
    file.with_suffix(".new").replace(file)
    server.timeout = 0.1
    pipelines = [Pipeline(name, time.time()) for name in LOADS]
    due = time.monotonic()
    while True:
        if time.monotonic() >= due:
            due += 1.0
            live(pipelines)
        server.handle_request()


if __name__ == "__main__":
    main()
