"""The dashboard of one pipeline: is it well, what does it do, and why has it so many workers."""

from dashboards.board import Board, Kind, Marks, Matrix, Panel, Query, Row, Unit, Variable

_P = 'namespace="$namespace",pipeline="$pipeline"'
_RATE = "[$__rate_interval]"
STATES = {1: ("True", "orange"), 0: ("False", "green"), -1: ("Unknown", "gray")}


def _of_pipeline(name: str, more: str = "") -> str:
    """Return a number that whoever watches the pipeline says of it."""
    return f"max(cygnet_pipeline_{name}{{{_P}{more}}})"


def _quantile(share: float, name: str, by: str = "") -> str:
    grouping = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({grouping}) (rate({name}_bucket{{{_P}}}{_RATE})))"


def _frames(outcome: str) -> str:
    return f'sum(rate(cygnet_frames_total{{{_P},outcome="{outcome}"}}{_RATE}))'


_GLANCE = Row(
    "At a glance",
    (
        Panel(
            title="Stored",
            says="Frames that reach the bucket.",
            queries=(Query(_frames("stored")),),
            kind=Kind.NUMBER,
            unit=Unit.FRAMES_PER_SECOND,
            width=4,
            height=4,
        ),
        Panel(
            title="Oldest frame",
            says="Age of the oldest frame that waits for a worker.",
            queries=(Query(_of_pipeline("oldest_age_seconds")),),
            kind=Kind.NUMBER,
            unit=Unit.SECONDS,
            width=4,
            height=4,
        ),
        Panel(
            title="Workers",
            says="Preprocessors that are ready.",
            queries=(Query(_of_pipeline("ready_replicas")),),
            kind=Kind.NUMBER,
            width=4,
            height=4,
        ),
        Panel(
            title="In flight",
            says="Events of the chosen runs that are announced and not yet stored, consumed or dead.",
            queries=(Query(f'sum(cygnet_ledger_events{{{_P},run=~"$run",fate="in_flight"}})'),),
            kind=Kind.NUMBER,
            width=4,
            height=4,
        ),
        Panel(
            title="Dead letters",
            says="Frames that were given up and can be replayed.",
            queries=(Query(_of_pipeline("stream_messages", ',stream="dead"')),),
            kind=Kind.NUMBER,
            width=4,
            height=4,
            thresholds=((1, "orange"),),
        ),
        Panel(
            title="Bucket",
            says="Bytes that uploaders put into the bucket.",
            queries=(Query(f"sum(rate(cygnet_upload_bytes_total{{{_P}}}{_RATE}))"),),
            kind=Kind.NUMBER,
            unit=Unit.BYTES_PER_SECOND,
            width=4,
            height=4,
        ),
        Panel(
            title="Conditions",
            says="The Pipeline's conditions over time, as in its status; on one machine those of scaling.",
            queries=(Query(f"max by (condition) (cygnet_pipeline_condition{{{_P}}})", "{{condition}}"),),
            kind=Kind.STATES,
            width=24,
            height=5,
            states=STATES,
        ),
    ),
)

_FLOW = Row(
    "Flow",
    (
        Panel(
            title="Frames by what was done with them",
            says="The same frames at each step. Lines that part show where frames wait.",
            queries=(Query(f"sum by (outcome) (rate(cygnet_frames_total{{{_P}}}{_RATE}))", "{{outcome}}"),),
            unit=Unit.FRAMES_PER_SECOND,
        ),
        Panel(
            title="Lag and oldest age against the target",
            says="The oldest frame should stay below the dashed line. Lag: backlog by the rate of now.",
            queries=(
                Query(_of_pipeline("oldest_age_seconds"), "oldest frame"),
                Query(_of_pipeline("lag_seconds"), "lag"),
                Query(_of_pipeline("target_lag_seconds"), "target", dashed=True),
            ),
            unit=Unit.SECONDS,
        ),
        Panel(
            title="Arrivals against capacity",
            says="What arrives, what is finished, and what all ready workers could finish, as learned.",
            queries=(
                Query(_of_pipeline("arrival_frames_per_second"), "arriving"),
                Query(_of_pipeline("processed_frames_per_second"), "finished"),
                Query(
                    f"{_of_pipeline('capacity_frames_per_second')} * {_of_pipeline('ready_replicas')}",
                    "capacity",
                    dashed=True,
                ),
            ),
            unit=Unit.FRAMES_PER_SECOND,
        ),
    ),
)

_SCALING = Row(
    "Scaling",
    (
        Panel(
            title="Workers",
            says="Ready and asked for, between the bounds. Marks: each change, with its reason.",
            queries=(
                Query(_of_pipeline("ready_replicas"), "ready"),
                Query(_of_pipeline("desired_replicas"), "asked for"),
                Query(_of_pipeline("max_replicas"), "max", dashed=True),
                Query(_of_pipeline("min_replicas"), "min", dashed=True),
            ),
        ),
        Panel(
            title="Workers that the load needs",
            says="For what arrives, and for working the backlog off within targetLagSeconds.",
            queries=(
                Query(_of_pipeline("arrival_demand_replicas"), "for arrivals"),
                Query(_of_pipeline("backlog_demand_replicas"), "for the backlog"),
            ),
            kind=Kind.AREAS,
        ),
        Panel(
            title="Decisions by reason",
            says="What the policy said at each tick. A hold is a decision too.",
            queries=(
                Query(
                    "sum by (direction, reason)"
                    f" (increase(cygnet_pipeline_scaling_decisions_total{{{_P}}}{_RATE})) > 0",
                    "{{direction}} {{reason}}",
                ),
            ),
            kind=Kind.BARS,
        ),
    ),
)

_BUFFERS = Row(
    "Buffers",
    (
        Panel(
            title="Streams in bytes",
            says="What waits between the services.",
            queries=(Query(f"max by (stream) (cygnet_pipeline_stream_bytes{{{_P}}})", "{{stream}}"),),
            kind=Kind.AREAS,
            unit=Unit.BYTES,
        ),
        Panel(
            title="Streams against their limits",
            says="At 100 % a stream refuses, and whoever publishes waits. dead lets its oldest go instead.",
            queries=(
                Query(
                    f"max by (stream) (cygnet_pipeline_stream_bytes{{{_P}}}"
                    f" / cygnet_pipeline_stream_limit_bytes{{{_P}}})",
                    "{{stream}}",
                ),
            ),
            unit=Unit.RATIO,
            most=1,
        ),
        Panel(
            title="Held by something",
            says="Share of time that sources wait for room, and that services wait for something outside.",
            queries=(
                Query(
                    f"sum by (detector) (rate(cygnet_source_held_seconds_total{{{_P}}}{_RATE}))",
                    "{{detector}} by back-pressure",
                ),
                Query(
                    f"max by (component) (cygnet_publish_blocked{{{_P}}})", "{{component}} by a full stream"
                ),
                Query(
                    f"sum by (reason) (rate(cygnet_backoff_seconds_total{{{_P}}}{_RATE}))", "for {{reason}}"
                ),
            ),
            unit=Unit.RATIO,
        ),
    ),
)

_STORING = Row(
    "Storing",
    (
        Panel(
            title="Chunk latency",
            says="From a chunk's first result to its commit; maxAgeSeconds bounds it.",
            queries=(
                Query(_quantile(0.5, "cygnet_chunk_latency_seconds"), "half of them"),
                Query(_quantile(0.95, "cygnet_chunk_latency_seconds"), "95 %"),
            ),
            unit=Unit.SECONDS,
        ),
        Panel(
            title="Upload latency",
            says="From a chunk's commit to its record that it is stored.",
            queries=(
                Query(_quantile(0.5, "cygnet_upload_latency_seconds"), "half of them"),
                Query(_quantile(0.95, "cygnet_upload_latency_seconds"), "95 %"),
            ),
            unit=Unit.SECONDS,
        ),
        Panel(
            title="Failed uploads by reason",
            says="Each is tried again. lost: look at once.",
            queries=(
                Query(
                    f"sum by (reason) (increase(cygnet_uploads_failed_total{{{_P}}}{_RATE}))", "{{reason}}"
                ),
            ),
            kind=Kind.BARS,
        ),
    ),
)

_LEDGER = Row(
    "Ledger",
    (
        Panel(
            title="Ledger of each run",
            says="announced = stored + consumed + dead + in flight. At a run's end nothing is in flight.",
            queries=(
                Query(f'sum by (run, fate) (cygnet_ledger_events{{{_P},run=~"$run"}})', "{{run}} {{fate}}"),
            ),
            kind=Kind.TABLE,
            width=12,
            matrix=Matrix(row="run", column="fate"),
        ),
        Panel(
            title="In flight by run",
            says="Falls to 0 when a run has ended.",
            queries=(
                Query(f'sum by (run) (cygnet_ledger_events{{{_P},run=~"$run",fate="in_flight"}})', "{{run}}"),
            ),
            width=6,
        ),
        Panel(
            title="Dead letters by reason",
            says="Frames given up since each service began.",
            queries=(Query(f"sum by (reason) (cygnet_dead_letters_total{{{_P}}})", "{{reason}}"),),
            kind=Kind.AREAS,
            width=6,
        ),
    ),
)

_PROCESSES = Row(
    "Processes",
    (
        Panel(
            title="Time of a step, 95 %",
            says="For one frame, or one batch of frames.",
            queries=(Query(_quantile(0.95, "cygnet_processing_seconds", "step"), "{{step}}"),),
            unit=Unit.SECONDS,
        ),
        Panel(
            title="CPU",
            says="Cores in use, all processes of a service together.",
            queries=(
                Query(
                    f"sum by (component) (rate(process_cpu_seconds_total{{{_P}}}{_RATE}))", "{{component}}"
                ),
            ),
            kind=Kind.AREAS,
        ),
        Panel(
            title="Memory",
            says="Resident memory, all processes of a service together.",
            queries=(Query(f"sum by (component) (process_resident_memory_bytes{{{_P}}})", "{{component}}"),),
            kind=Kind.AREAS,
            unit=Unit.BYTES,
        ),
    ),
)

PIPELINE = Board(
    uid="cygnet-pipeline",
    title="Cygnet / Pipeline",
    says="One pipeline: rates, lag, workers and why, buffers, storing, and the ledger of its runs.",
    variables=(
        Variable(
            name="namespace", label="Namespace", query="label_values(cygnet_pipeline_stream_bytes, namespace)"
        ),
        Variable(
            name="pipeline",
            label="Pipeline",
            query='label_values(cygnet_pipeline_stream_bytes{namespace="$namespace"}, pipeline)',
        ),
        Variable(
            name="run", label="Run", query=f"label_values(cygnet_ledger_events{{{_P}}}, run)", many=True
        ),
    ),
    rows=(_GLANCE, _FLOW, _SCALING, _BUFFERS, _STORING, _LEDGER, _PROCESSES),
    marks=(
        Marks(
            name="Scaling decisions",
            expr=(
                "sum by (direction, reason) (increase("
                f'cygnet_pipeline_scaling_decisions_total{{{_P},direction!="hold"}}{_RATE})) > 0'
            ),
            title="scaled {{direction}}",
            text="{{reason}}",
        ),
    ),
)
