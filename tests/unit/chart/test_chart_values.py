"""Values, schema and README of the chart say the same; what it embeds fits into its objects."""

import json
import re
from pathlib import Path

import pytest
import yaml
from charts import rules
from charts.reference import CHART, DisagreementError, readme, rows

from cygnet import __version__
from cygnet.local.nats_server import MAX_PAYLOAD

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"a": {"type": "integer", "description": "A number"}},
}
CONFIG = (CHART / "templates" / "nats" / "_config.tpl").read_text()


def test_every_value_has_a_schema_and_every_schema_a_value():
    schema = json.loads((CHART / "values.schema.json").read_text())
    table = rows(schema, yaml.safe_load((CHART / "values.yaml").read_text()))
    assert len(table) > 60
    assert len({row.path for row in table}) == len(table)


@pytest.mark.parametrize(
    ("schema", "values", "why"),
    [
        (SCHEMA, {"a": 1, "b": 2}, "only values.yaml or only values.schema.json has b"),
        (SCHEMA, {}, "has a"),
        (SCHEMA, {"a": "1"}, "says integer"),
        (SCHEMA, {"a": True}, "says integer"),
        ({**SCHEMA, "additionalProperties": True}, {"a": 1}, "lets misspelt keys pass"),
        ({**SCHEMA, "properties": {"a": {"type": "integer"}}}, {"a": 1}, "does not say what it is"),
    ],
)
def test_a_disagreement_is_named(schema, values, why):
    with pytest.raises(DisagreementError, match=why):
        rows(schema, values)


def test_no_object_of_the_schema_lets_a_misspelt_key_pass():
    def closed(schema, path):
        if isinstance(schema, dict):
            if schema.get("type") == "object" and "properties" in schema:
                assert schema.get("additionalProperties") is False, path
            for key, each in schema.items():
                closed(each, f"{path}.{key}")

    closed(json.loads((CHART / "values.schema.json").read_text()), "")


def test_the_readme_is_the_one_that_values_and_schema_make():
    assert (CHART / "README.md").read_text() == readme(), "make docs writes it again"


def test_the_operators_role_is_made_of_its_own_list():
    assert rules.FILE.read_text() == rules.text(), "make docs writes it again"


def test_the_charts_version_of_cygnet_is_this_one():
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == __version__


def test_the_charts_nats_is_set_as_the_local_one():
    assert f"max_payload: {MAX_PAYLOAD}" in CONFIG
    assert f"max_pending: {64 << 20}" in CONFIG
    assert "js_ack_fc_v2: false" in CONFIG


def test_every_dashboard_fits_into_its_config_map():
    for path in (CHART / "dashboards").glob("*.json"):
        assert path.stat().st_size < 900 << 10, path.name
        json.loads(path.read_text())


def test_no_template_reads_a_value_that_there_is_not():
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for path in (CHART / "templates").rglob("*.*"):
        for match in re.finditer(r"\.Values((?:\.\w+)+)", path.read_text()):
            place = values
            for key in match[1].split(".")[1:]:
                assert isinstance(place, dict), f"{path.name}: .Values{match[1]}"
                assert key in place, f"{path.name}: .Values{match[1]}"
                place = place[key]


def test_every_file_that_a_template_embeds_is_there():
    for path in (CHART / "templates").rglob("*.*"):
        for name in re.findall(r'Files\.Get "([^"]+)"', path.read_text()):
            assert (Path(CHART) / name).is_file(), f"{path.name}: {name}"
