"""The dashboard of the operator: every Pipeline in one table, and how the operator itself is."""

from dashboards.board import Board, Kind, Matrix, Panel, Query, Row, Unit, Variable

_N = 'namespace=~"$namespace"'
_O = 'component="operator"'
_RATE = "[$__rate_interval]"


def _quantile(name: str, by: str = "") -> str:
    grouping = f"le, {by}" if by else "le"
    return f"histogram_quantile(0.95, sum by ({grouping}) (rate(cygnet_operator_{name}_bucket{_RATE})))"


def _number(
    title: str, says: str, expr: str, *, unit: Unit = Unit.NONE, bad_from: float | None = None
) -> Panel:
    return Panel(
        title=title,
        says=says,
        queries=(Query(expr),),
        kind=Kind.NUMBER,
        unit=unit,
        width=4,
        height=4,
        thresholds=((bad_from, "orange"),) if bad_from is not None else (),
    )


_GLANCE = Row(
    "At a glance",
    (
        _number("Operators", "Operators that answer.", f"sum(up{{{_O}}})"),
        _number("Pipelines", "Pipelines that are known.", f"sum(cygnet_operator_pipelines{{{_N}}})"),
        _number(
            "Not Ready",
            "Pipelines whose condition Ready is not True.",
            f'sum(cygnet_pipeline_condition{{{_N},condition="Ready"}} < bool 1)',
            bad_from=1,
        ),
        _number(
            "Workers",
            "Preprocessors of all pipelines that are ready.",
            f"sum(cygnet_pipeline_ready_replicas{{{_N}}})",
        ),
        _number(
            "Watches away",
            "Watches that are refused or silent.",
            "sum(cygnet_operator_watch_alive < bool 1)",
            bad_from=1,
        ),
        _number(
            "Longest wait",
            "Time that a changed Pipeline has waited to be visited.",
            "max(cygnet_operator_dirty_age_seconds)",
            unit=Unit.SECONDS,
            bad_from=30,
        ),
    ),
)

_PIPELINES = Row(
    "Pipelines",
    (
        Panel(
            title="What is wrong",
            says="Conditions of every Pipeline: 1 True, 0 False, -1 Unknown.",
            queries=(
                Query(
                    "label_join(max by (namespace, pipeline, condition) (cygnet_pipeline_condition{"
                    + _N
                    + "}),"
                    ' "name", "/", "namespace", "pipeline")',
                    "{{name}} {{condition}}",
                ),
            ),
            kind=Kind.TABLE,
            width=12,
            matrix=Matrix(row="name", column="condition"),
        ),
        Panel(
            title="Oldest frame",
            says="Age of the oldest frame that waits, for each Pipeline.",
            queries=(
                Query(
                    f"max by (namespace, pipeline) (cygnet_pipeline_oldest_age_seconds{{{_N}}})",
                    "{{namespace}}/{{pipeline}}",
                ),
            ),
            unit=Unit.SECONDS,
            width=6,
        ),
        Panel(
            title="Workers asked for",
            says="Of each Pipeline.",
            queries=(
                Query(
                    f"max by (namespace, pipeline) (cygnet_pipeline_desired_replicas{{{_N}}})",
                    "{{namespace}}/{{pipeline}}",
                ),
            ),
            kind=Kind.AREAS,
            width=6,
        ),
    ),
)

_RECONCILE = Row(
    "Reconciling",
    (
        Panel(
            title="Visits by outcome",
            says="An idle cluster has only unchanged ones.",
            queries=(
                Query(f"sum by (outcome) (rate(cygnet_operator_reconciles_total{_RATE}))", "{{outcome}}"),
            ),
            unit=Unit.PER_SECOND,
        ),
        Panel(
            title="Time of a visit, 95 %",
            says="Of one Pipeline, with all requests to the API server.",
            queries=(Query(_quantile("reconcile_seconds"), "visit"),),
            unit=Unit.SECONDS,
        ),
        Panel(
            title="Waiting to be visited",
            says="Pipelines that have changed since their last visit.",
            queries=(Query("max(cygnet_operator_dirty_pipelines)", "pipelines"),),
        ),
    ),
)

_API = Row(
    "API server",
    (
        Panel(
            title="Requests",
            says="By verb and code; 0: no answer. An idle Pipeline costs no writes.",
            queries=(
                Query(
                    f"sum by (verb, code) (rate(cygnet_operator_api_requests_total{_RATE}))",
                    "{{verb}} {{code}}",
                ),
            ),
            unit=Unit.PER_SECOND,
        ),
        Panel(
            title="Time of an answer, 95 %",
            says="By verb, without watches.",
            queries=(Query(_quantile("api_request_seconds", "verb"), "{{verb}}"),),
            unit=Unit.SECONDS,
        ),
        Panel(
            title="Events written",
            says="Kubernetes Events by reason.",
            queries=(
                Query(f"sum by (reason) (increase(cygnet_operator_events_total{_RATE}))", "{{reason}}"),
            ),
            kind=Kind.BARS,
        ),
    ),
)

_SCALING = Row(
    "Scaling",
    (
        Panel(
            title="Looks at streams",
            says="By outcome. A Pipeline that is not looked at is not scaled.",
            queries=(Query(f"sum by (outcome) (rate(cygnet_operator_samples_total{_RATE}))", "{{outcome}}"),),
            unit=Unit.PER_SECOND,
        ),
        Panel(
            title="Time of a look, and how late it was, 95 %",
            says="Ticks come every 5 s; late ones scale late.",
            queries=(
                Query(_quantile("sample_seconds"), "look"),
                Query(_quantile("tick_late_seconds"), "late"),
            ),
            unit=Unit.SECONDS,
        ),
        Panel(
            title="Changes of replicas",
            says="Of all Pipelines, by direction and reason.",
            queries=(
                Query(
                    "sum by (direction, reason) (increase("
                    f'cygnet_pipeline_scaling_decisions_total{{{_N},direction!="hold"}}{_RATE}))',
                    "{{direction}} {{reason}}",
                ),
            ),
            kind=Kind.BARS,
        ),
    ),
)

_NATS = Row(
    "NATS",
    (
        Panel(
            title="JetStream on disk",
            says="What each account holds, and may hold.",
            queries=(
                Query("max by (server) (cygnet_jetstream_storage_bytes)", "{{server}}"),
                Query(
                    "max by (server) (cygnet_jetstream_storage_limit_bytes)", "{{server}} limit", dashed=True
                ),
            ),
            unit=Unit.BYTES,
        ),
        Panel(
            title="Connections",
            says="1 while the operator is connected.",
            queries=(Query("max by (server) (cygnet_operator_nats_connected)", "{{server}}"),),
            most=1,
        ),
        Panel(
            title="Sweeps",
            says="Looks for what deleted Pipelines left, by outcome.",
            queries=(
                Query(f"sum by (outcome) (increase(cygnet_operator_sweeps_total{_RATE}))", "{{outcome}}"),
            ),
            kind=Kind.BARS,
        ),
    ),
)

_PROCESS = Row(
    "Process",
    (
        Panel(
            title="CPU",
            says="Cores in use.",
            queries=(Query(f"sum by (pod) (rate(process_cpu_seconds_total{{{_O}}}{_RATE}))", "{{pod}}"),),
        ),
        Panel(
            title="Memory",
            says="Resident memory; it should be flat.",
            queries=(Query(f"max by (pod) (process_resident_memory_bytes{{{_O}}})", "{{pod}}"),),
            unit=Unit.BYTES,
        ),
        Panel(
            title="Age of the last turn",
            says="Of each loop; one that grows without end hangs, and the probe restarts the operator.",
            queries=(Query("max by (loop) (cygnet_operator_loop_beat_age_seconds)", "{{loop}}"),),
            unit=Unit.SECONDS,
        ),
    ),
)

OPERATOR = Board(
    uid="cygnet-operator",
    title="Cygnet / Operator",
    says="Every Pipeline that the operator looks after, and how the operator itself is.",
    variables=(
        Variable(
            name="namespace",
            label="Namespace",
            query="label_values(cygnet_pipeline_stream_bytes, namespace)",
            many=True,
        ),
    ),
    rows=(_GLANCE, _PIPELINES, _RECONCILE, _API, _SCALING, _NATS, _PROCESS),
)
