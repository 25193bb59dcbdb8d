"""Names, labels and owners of a Pipeline's objects."""

from collections.abc import Mapping
from typing import Any

from cygnet.spec.pipeline import API_VERSION
from cygnet_operator.observed import Observed, Role

NAME, INSTANCE, COMPONENT = (f"app.kubernetes.io/{word}" for word in ("name", "instance", "component"))
MANAGED_BY, PART_OF = "app.kubernetes.io/managed-by", "app.kubernetes.io/part-of"
OPERATOR = "cygnet-operator"
SELECTOR = f"{MANAGED_BY}={OPERATOR}"
"""Selects everything that the operator has made."""
METRICS_PORT = 9090


def labels(pipeline: str, role: Role | None = None) -> dict[str, str]:
    """Return the labels of an object, of a role's if one is given."""
    return {
        **selector(pipeline, role),
        MANAGED_BY: OPERATOR,
        PART_OF: "cygnet",
    }


def selector(pipeline: str, role: Role | None = None) -> dict[str, str]:
    """Return the labels by which pods are selected."""
    return {NAME: "cygnet", INSTANCE: pipeline, **({COMPONENT: str(role)} if role else {})}


def selector_text(pipeline: str, role: Role) -> str:
    """Return the selector of a role's pods as text, as `status.selector` has it."""
    return ",".join(f"{name}={value}" for name, value in selector(pipeline, role).items())


def role_of(found: Mapping[str, str]) -> Role | None:
    """Return the role that an object's labels name."""
    component = found.get(COMPONENT, "")
    return Role(component) if component in Role.__members__.values() else None


def child_name(pipeline: str, role: Role) -> str:
    """Return the name of a role's Deployment."""
    return f"{pipeline}-{role}"


def metadata(observed: Observed, name: str, role: Role | None = None) -> dict[str, Any]:
    """Return the metadata of a child: the Pipeline owns it, so that it goes with the Pipeline."""
    owner = observed.pipeline.metadata
    return {
        "name": name,
        "namespace": owner.namespace,
        "labels": labels(owner.name, role),
        "ownerReferences": [
            {
                "apiVersion": API_VERSION,
                "kind": "Pipeline",
                "name": owner.name,
                "uid": observed.uid,
                "controller": True,
            }
        ],
    }
