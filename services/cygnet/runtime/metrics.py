"""Every metric that Cygnet exports, in one place: name, unit, labels and what it says."""

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a third of all series, and nobody asks
REGISTRY = CollectorRegistry()
for _collector in (GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR):
    REGISTRY.register(_collector)

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LATENCY = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


def _counter(name: str, says: str, *labels: str) -> Counter:
    return Counter(f"cygnet_{name}", says, labels, registry=REGISTRY)


def _gauge(name: str, says: str, *labels: str) -> Gauge:
    return Gauge(f"cygnet_{name}", says, labels, registry=REGISTRY)


def _histogram(name: str, says: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(f"cygnet_{name}", says, labels, registry=REGISTRY, buckets=buckets)


SERVICE = Info(
    "cygnet_service", "Which service of which pipeline this is, and its version.", registry=REGISTRY
)

# frames, in every service
FRAMES = _counter(
    "frames_total",
    "Frames that this service is done with, by outcome: announced, processed, committed, stored, consumed,"
    " dead.",
    "detector",
    "outcome",
)
PROCESSING_SECONDS = _histogram(
    "processing_seconds", "Time that one frame (or batch of frames) takes in a step.", _SECONDS, "step"
)
BATCH_FRAMES = _histogram(
    "batch_frames", "Frames in one pull batch.", (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)
)
DUPLICATES = _counter(
    "duplicates_total", "Frames that came again, by where it was seen: source, server, aggregator.", "where"
)
DEAD_LETTERS = _counter("dead_letters_total", "Frames given up, by reason.", "detector", "reason")
DEAD_BODIES_LOST = _gauge(
    "dead_bodies_lost",
    "Dead letters that have left the DEAD stream at its old end: by age, for space, or dropped there by hand."
    " The account keeps them.",
)

# trouble that is waited for
PUBLISH_BACKPRESSURE_SECONDS = _counter(
    "publish_backpressure_seconds_total",
    "Time that a full stream held this publisher, counted when it lets go.",
)
PUBLISH_BLOCKED = _gauge("publish_blocked", "1 while a full stream holds this publisher.")
PUBLISH_UNANSWERED = _gauge(
    "publish_unanswered_messages",
    "Messages that were sent again and that JetStream has not acknowledged yet.",
)
PUBLISHES_RESENT = _counter(
    "publishes_resent_total", "Messages sent again since JetStream had not acknowledged them in time."
)
BACKOFF_SECONDS = _counter(
    "backoff_seconds_total", "Time waited for something outside to come back, by what.", "reason"
)
OUTAGES = _counter("outages_total", "Outages that were waited for, by what was away.", "reason")
NATS_CONNECTED = _gauge("nats_connected", "1 while the connection to NATS stands.")
NATS_RECONNECTS = _counter("nats_reconnects_total", "Times that the connection to NATS was made again.")

# source
SOURCE_HELD_SECONDS = _counter(
    "source_held_seconds_total",
    "Time that back-pressure held a source that was ready to publish.",
    "detector",
)
SOURCE_DROPPED_FRAMES = _counter(
    "source_dropped_frames_total",
    "Frames that got a number and could not be published.",
    "detector",
    "reason",
)
SOURCE_NEXT_EVENT = _gauge(
    "source_next_event", "Number of the next event: what has been announced.", "detector"
)
RUN_ACTIVE = _gauge("run_active", "1 while a run is on.")
BEAM_ACTIVE = _gauge("beam_active", "1 while the source says that there is beam.")

# preprocessor
FETCHES = _counter("fetches_total", "Fetches of announced frames, by outcome.", "outcome")
PARAMS_REVISION = _gauge("params_revision", "Revision of the parameters in use.")

# aggregator
CHUNKS = _counter("chunks_total", "Chunks committed, by what closed them.", "detector", "closed_by")
CHUNK_BYTES = _counter("chunk_bytes_total", "Bytes of committed chunks.", "detector")
CHUNK_LATENCY_SECONDS = _histogram(
    "chunk_latency_seconds", "From the first result of a chunk to its commit.", _LATENCY, "detector"
)
OPEN_CHUNKS = _gauge("open_chunks", "Chunks that are being filled.", "detector")
OPEN_EVENTS = _gauge("open_events", "Events in chunks that are being filled.", "detector")
INDEX_TROUBLE = _counter(
    "index_trouble_total", "Runs that could not be finished: somebody damaged or removed their objects."
)
LEDGER_EVENTS = _gauge(
    "ledger_events",
    "The ledger of a run: events by what became of them. announced = stored + consumed + dead + in_flight;"
    " dropped and duplicate beside it. Of the runs that go on and the last three that are complete.",
    "run",
    "detector",
    "fate",
)
LEDGER_RUN_ENDED = _gauge("ledger_run_ended", "1 once the source has ended this run, 0 before.", "run")
LEASE_HELD = _gauge("lease_held", "1 while this process holds the lease of the role.", "role")
LEASE_EPOCH = _gauge("lease_epoch", "Number of times that the role has changed hands.", "role")

# uploader
UPLOAD_SECONDS = _histogram(
    "upload_seconds", "Time that one object and its manifest take to the bucket.", _SECONDS
)
UPLOAD_LATENCY_SECONDS = _histogram(
    "upload_latency_seconds", "From a chunk's commit to its stored record.", _LATENCY, "detector"
)
UPLOAD_BYTES = _counter("upload_bytes_total", "Bytes put into the bucket.", "detector")
UPLOADS_FAILED = _counter(
    "uploads_failed_total",
    "Uploads that were given up for now, by why: away, refused (by the bucket), foreign (another object has"
    " the key), lost (its slices are gone or damaged, and there is no manifest: look at once).",
    "reason",
)

# the process
LOOP_BEAT_AGE_SECONDS = _gauge("loop_beat_age_seconds", "Time since a loop last made progress.", "loop")
