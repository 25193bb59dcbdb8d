"""Writes the page of all metrics from their definitions.

python -m dashboards.metrics_page > docs/reference/metrics.md
"""

import sys

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from cygnet.runtime import metrics, pipeline_metrics
from cygnet_operator import metrics as operator_metrics

_HEAD = """\
<!-- Generated from the definitions by `python -m dashboards.metrics_page`. Do not edit. -->

# Metrics

Every service, the operator and `cygnet up` serve `/metrics` for Prometheus. Who says what:

| names | from | of |
|---|---|---|
| `cygnet_*` | each process of a pipeline | what this process does |
| `cygnet_pipeline_*`, `cygnet_jetstream_*` | the operator, or `cygnet up` | a pipeline as a whole |
| `cygnet_operator_*` | the operator | itself |
| `process_*`, `python_*` | each process | CPU, memory, open files, garbage collection |

Rates and times are in seconds, sizes in bytes; frames are counted as frames, however many travel in a
message. A number that is not known is no series: a gauge never goes on telling what was true a while ago.

**Labels of the targets.** Dashboards and alerts find a process by labels that scraping adds: `namespace`,
`pipeline`, `component` (source, preprocessor, aggregator, uploader, operator) and `pod`. On a cluster the
chart's monitors take them from the pods; on one machine they are in `prometheus.json` of the data folder. The
operator's own series say `namespace` and `pipeline` of the Pipeline that they speak of, so that its target is
scraped with `honorLabels`.
"""
_KINDS = {"counter": "_total", "info": "_info"}


def metrics_page() -> str:
    """Return the page."""
    whole = _metrics(operator_metrics.REGISTRY)
    own = [metric for metric in whole if _name(metric).startswith("cygnet_operator")]
    of_pipelines = [metric for metric in _metrics(pipeline_metrics.REGISTRY) if metric not in own]
    sections = (
        (
            "Services",
            "Each process of a pipeline serves those that it has to do with.",
            _metrics(metrics.REGISTRY),
        ),
        ("Pipelines as a whole", "The operator serves them, on one machine `cygnet up`.", of_pipelines),
        ("Operator", "Of the operator itself.", own),
    )
    return "\n".join([_HEAD, *(_section(*section) for section in sections)])


def _metrics(registry: CollectorRegistry) -> list[MetricWrapperBase]:
    """Return the metrics of a registry in the order of their definition."""
    return [each for each in registry._collector_to_names if isinstance(each, MetricWrapperBase)]


def _section(title: str, says: str, found: list[MetricWrapperBase]) -> str:
    lines = [f"## {title}", "", says, "", "| name | kind | labels | meaning |", "|---|---|---|---|"]
    for metric in found:
        labels = ", ".join(f"`{label}`" for label in metric._labelnames) or "–"
        lines.append(f"| `{_name(metric)}` | {metric._type} | {labels} | {metric._documentation} |")
    return "\n".join([*lines, ""])


def _name(metric: MetricWrapperBase) -> str:
    return f"{metric._name}{_KINDS.get(str(metric._type), '')}"


if __name__ == "__main__":
    sys.stdout.write(metrics_page())
