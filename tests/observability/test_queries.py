"""Every question of a dashboard or an alert is one that Prometheus understands and has an answer to."""

import json
import re
import time
from pathlib import Path

import pytest
import yaml
from dashboards.__main__ import BOARDS, FOLDER
from dashboards.ask import Prometheus, RefusedError, Span, filled, queries_of
from dashboards.picture import draw

from observability.conftest import ROOT, until

ANSWER_SECONDS = 300.0
INTERVAL = "20s"
PLACES = {
    "pipeline.json": {"namespace": "local", "pipeline": "lime", "run": ".*"},
    "operator.json": {"namespace": ".*"},
}
RULES = yaml.safe_load((ROOT / "charts/cygnet/files/alerts.yaml").read_text())["groups"]
MOST_BYTES = 300_000

pytestmark = pytest.mark.timeout(600)


def questions(name: str) -> list[tuple[str, str]]:
    document = json.loads((FOLDER / name).read_text())
    return [(title, filled(expr, PLACES[name], INTERVAL)) for title, expr in queries_of(document)]


def has_answer(prometheus: Prometheus, expr: str) -> bool:
    """Whether a query has given anything in the last minutes: some have an answer only for moments."""
    now = time.time()
    return bool(prometheus.over(expr, Span(now - 240, now, 2)))


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_shows_something(name: str, prometheus: Prometheus) -> None:
    open_questions = dict.fromkeys(questions(name))
    assert len(open_questions) > 20

    def all_answered() -> bool:
        for each in list(open_questions):
            if has_answer(prometheus, each[1]):
                del open_questions[each]
        return not open_questions

    try:
        until(all_answered, ANSWER_SECONDS, "an answer to every query")
    except AssertionError:
        raise AssertionError(f"without an answer: {list(open_questions)}") from None


@pytest.mark.parametrize("name", BOARDS)
def test_every_choice_has_values(name: str, prometheus: Prometheus) -> None:
    document = json.loads((FOLDER / name).read_text())
    for variable in document["templating"]["list"]:
        if variable["type"] != "query":
            continue
        selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]).groups()
        selector = filled(selector, PLACES[name], INTERVAL)

        def has_values(label: str = label, selector: str = selector) -> bool:
            return bool(prometheus.get(f"label/{label}/values", {"match[]": selector}))

        until(has_values, ANSWER_SECONDS, variable["name"])


@pytest.mark.parametrize(
    "rule", [rule for group in RULES for rule in group["rules"]], ids=lambda rule: rule["expr"]
)
def test_every_series_of_an_alert_is_there(rule: dict, prometheus: Prometheus) -> None:
    prometheus.now(rule["expr"])  # understood
    selectors = set(re.findall(r"(?:\bcygnet_[a-z_:]+|\bup)(?:\{[^}]*\})?", rule["expr"]))
    assert selectors
    for selector in selectors:
        until(lambda selector=selector: prometheus.now(selector), ANSWER_SECONDS, selector)


def test_every_rule_is_in_force_and_none_has_trouble(prometheus: Prometheus) -> None:
    def evaluated() -> list[dict] | None:
        rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
        return None if any(rule["health"] == "unknown" for rule in rules) else rules

    rules = until(evaluated, ANSWER_SECONDS, "every rule is evaluated")
    assert len(rules) == sum(len(group["rules"]) for group in RULES)
    assert {rule["health"] for rule in rules} == {"ok"}


def test_nonsense_is_refused_in_words(prometheus: Prometheus) -> None:
    with pytest.raises(RefusedError, match="parse error"):
        prometheus.now("sum by (")


@pytest.mark.parametrize("name", BOARDS)
def test_a_picture_shows_every_panel_and_is_light(name: str, prometheus: Prometheus, tmp_path: Path) -> None:
    now = time.time()
    document = json.loads((FOLDER / name).read_text())
    file = tmp_path / "board.png"
    drawn = draw(document, prometheus, PLACES[name], Span(now - 60, now, 1), file)
    assert drawn == sum(panel["type"] != "row" for panel in document["panels"])
    assert 20_000 < file.stat().st_size < MOST_BYTES
