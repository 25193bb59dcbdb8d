"""Each alert fires on what it is for and stays silent on the nearest thing that it is not for."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from observability.alert_cases import CASES, Case

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "charts/cygnet/files/alerts.yaml"
RULE = {
    rule["alert"]: rule
    for group in yaml.safe_load(RULES.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=60, check=False)


def run(case: Case, rules: Path, tmp_path: Path, expected: list[Any]) -> subprocess.CompletedProcess[str]:
    test = {
        "rule_files": [str(rules)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
                "alert_rule_test": [{"eval_time": case.at, "alertname": case.alert, "exp_alerts": expected}],
            }
        ],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump(test))
    return promtool("test", "rules", str(file))


@pytest.fixture(scope="session")
def bare_rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules without their texts, which `promtool` would want word by word."""
    document = yaml.safe_load(RULES.read_text())
    for group in document["groups"]:
        for rule in group["rules"]:
            rule.pop("annotations", None)
    file = tmp_path_factory.mktemp("rules") / "bare.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


def name_of(case: Case) -> str:
    return f"{case.alert}-{'fires' if case.fires else 'silent'}-{case.says}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_an_alert_fires_on_what_it_is_for_and_on_nothing_else(
    case: Case, bare_rules: Path, tmp_path: Path
) -> None:
    labels = {**case.labels, "severity": RULE[case.alert]["labels"]["severity"]}
    done = run(case, bare_rules, tmp_path, [{"exp_labels": labels}] if case.fires else [])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", [case for case in CASES if case.fires], ids=name_of)
def test_the_text_of_an_alert_has_its_numbers_and_names(case: Case, tmp_path: Path) -> None:
    done = run(case, RULES, tmp_path, [])  # nothing expected: promtool says what it got
    said = done.stdout + done.stderr
    assert "got:[" in said.replace(" ", ""), said
    assert "error" not in re.sub(r"FAILED|Error:", "", said).lower().replace("alertname", ""), said
    assert "<no value>" not in said
    for name in case.labels.values():
        assert name in said


def test_every_alert_has_cases_of_both_kinds() -> None:
    for kind in (True, False):
        assert {case.alert for case in CASES if case.fires is kind} == set(RULE)


def test_the_rules_are_what_prometheus_takes() -> None:
    assert promtool("check", "rules", "--lint=all", "--lint-fatal", str(RULES)).returncode == 0
