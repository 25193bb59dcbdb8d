"""The verbs that the operator needs, as data: of this the chart's roles are made."""

from dataclasses import dataclass

from cygnet_operator.kinds import APPLIED, EVENT, PIPELINE, PIPELINE_STATUS, POD, SECRET


@dataclass(frozen=True, slots=True)
class Rule:
    """Verbs on one resource, in every watched namespace."""

    group: str
    resource: str
    verbs: tuple[str, ...]
    why: str


READ = ("list", "watch")
APPLY = ("create", "patch")
"""Server-side apply is a patch, and a create where there was nothing."""

RULES = (
    Rule(PIPELINE.group, PIPELINE.resource, READ, "Pipelines are what it looks after"),
    Rule(PIPELINE_STATUS.group, PIPELINE_STATUS.resource, ("patch",), "their status is its word"),
    *(Rule(kind.group, kind.resource, APPLY if kind is SECRET else (*READ, *APPLY),
           "written and never read" if kind is SECRET else "a child of each Pipeline") for kind in APPLIED),
    Rule(POD.group, POD.resource, READ, "which pods are ready, and why others are not"),
    Rule(EVENT.group, EVENT.resource, ("create",), "what it decides is told"),
)  # fmt: skip
"""All that is needed, by a Role in each watched namespace, or by a ClusterRole where all are watched."""


def manifest_rules() -> list[dict[str, list[str]]]:
    """Return the rules as a Role has them."""
    return [
        {"apiGroups": [rule.group], "resources": [rule.resource], "verbs": list(rule.verbs)} for rule in RULES
    ]
