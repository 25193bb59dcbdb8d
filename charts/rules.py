"""The operator's rights as the chart's templates read them: `python -m charts.rules`."""

import sys
from pathlib import Path

import yaml

from cygnet_operator.rbac import manifest_rules

FILE = Path(__file__).parent / "cygnet" / "files" / "operator-rules.yaml"
_HEAD = "# Generated from operator/cygnet_operator/rbac.py by `make docs`. Do not edit.\n"


def text() -> str:
    """Return the file: a list of rules, of a Role or a ClusterRole."""
    return _HEAD + yaml.safe_dump({"rules": manifest_rules()}, sort_keys=False, default_flow_style=None)


if __name__ == "__main__":
    sys.stdout.write(text())
