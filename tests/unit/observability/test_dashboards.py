"""Dashboards, alerts, runbooks and the page of metrics speak of the same things."""

import json
import re
from pathlib import Path

import pytest
import yaml
from dashboards.__main__ import BOARDS, FOLDER
from dashboards.board import COLUMNS
from dashboards.grafana import to_json
from dashboards.metrics_page import metrics_page
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from cygnet.runtime import metrics
from cygnet_operator import metrics as operator_metrics

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "charts/cygnet/files/alerts.yaml"
RUNBOOKS = ROOT / "docs/how-to/runbooks"
RUNBOOK_URL = "https://cygnet.dev/runbooks/"
GROUPS = yaml.safe_load(RULES.read_text())["groups"]
ALERTS = [rule for group in GROUPS for rule in group["rules"] if "alert" in rule]
MOST_BYTES = 900 << 10  # of a ConfigMap, with room for its metadata


def series_of(registry: CollectorRegistry) -> dict[str, set[str]]:
    """Return the series that a registry can give, each with its labels."""
    found: dict[str, set[str]] = {}
    for metric in registry._collector_to_names:
        if not isinstance(metric, MetricWrapperBase):
            continue
        labels = set(metric._labelnames)
        match metric._type:
            case "counter":
                found[f"{metric._name}_total"] = labels
            case "histogram":
                found |= {f"{metric._name}_{part}": labels for part in ("sum", "count")}
                found[f"{metric._name}_bucket"] = labels | {"le"}
            case _:
                found[str(metric._name)] = labels
    return found


SERIES = series_of(metrics.REGISTRY) | series_of(operator_metrics.REGISTRY)
OF_TARGETS = {"namespace", "pipeline", "component", "pod"}


def queries_of(document: dict) -> list[str]:
    panels = [target["expr"] for panel in document["panels"] for target in panel.get("targets", [])]
    variables = [each["query"] for each in document["templating"]["list"] if each["type"] == "query"]
    return [*panels, *variables, *(each["expr"] for each in document["annotations"]["list"])]


def every_query() -> list[str]:
    documents = [json.loads((FOLDER / name).read_text()) for name in BOARDS]
    rules = [rule["expr"] for group in GROUPS for rule in group["rules"]]
    return [*(query for document in documents for query in queries_of(document)), *rules]


@pytest.mark.parametrize("name", BOARDS)
def test_the_committed_dashboard_is_what_the_builder_makes(name: str) -> None:
    assert (FOLDER / name).read_text() == to_json(BOARDS[name]), "run: python -m dashboards"


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_fits_a_config_map_and_names_no_data_source(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert len(text) < MOST_BYTES
    assert set(re.findall(r'"uid": "([^"]+)"', text)) == {"${datasource}", BOARDS[name].uid}


@pytest.mark.parametrize("name", BOARDS)
def test_panels_fill_their_rows_and_cover_no_other(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads((FOLDER / name).read_text())["panels"]:
        place = panel["gridPos"]
        x, y = place.get("x", 0), place.get("y", 0)
        cells = {(x + i, y + j) for i in range(place["w"]) for j in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert x + place["w"] <= COLUMNS, panel["title"]
        taken |= cells
    height = max(y for _, y in taken) + 1
    assert len(taken) == COLUMNS * height  # no holes


@pytest.mark.parametrize("query", every_query())
def test_a_query_asks_for_what_is_exported(query: str) -> None:
    asked = set(re.findall(r"\bcygnet_[a-z_]+\b(?!:)", query))
    assert asked <= set(SERIES), asked - set(SERIES)
    for name, labels in re.findall(r"\b(cygnet_[a-z_]+)\{([^}]*)\}", query):
        used = set(re.findall(r"(\w+)\s*(?:=~|!=|=)", labels))
        assert used <= SERIES[name] | OF_TARGETS, (name, used)


def test_what_an_alert_wants_done_is_written_down() -> None:
    wanted = {rule["annotations"]["runbook_url"] for rule in ALERTS}
    assert wanted == {RUNBOOK_URL + page.stem for page in RUNBOOKS.glob("*.md") if page.stem != "README"}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_how_bad_it_is_what_it_means_and_where_to_read_on(rule: dict) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    page = (RUNBOOKS / f"{rule['annotations']['runbook_url'].removeprefix(RUNBOOK_URL)}.md").read_text()
    assert rule["alert"] in page
    for heading in ("## What it means", "## How to look", "## How to mend"):
        assert heading in page


def test_the_page_of_metrics_is_what_is_defined() -> None:
    page = (ROOT / "docs/reference/metrics.md").read_text()
    assert page == metrics_page(), "run: python -m dashboards.metrics_page > docs/reference/metrics.md"
