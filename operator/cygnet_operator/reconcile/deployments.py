"""The Deployments: one that is replaced for source and aggregator, a surge for preprocessor and uploader."""

from collections.abc import Mapping
from typing import Any

from cygnet_operator.kinds import DEPLOYMENT
from cygnet_operator.observed import Observed, Role
from cygnet_operator.reconcile.containers import (
    container,
    grace_seconds,
    pod_spec_of,
    uses_our_keys,
    uses_our_login,
    volumes,
)
from cygnet_operator.reconcile.labels import child_name, labels, metadata, selector
from cygnet_operator.reconcile.resolved import spec_hash
from cygnet_operator.settings import Settings

SPEC_HASH, CREDENTIALS = "cygnet.dev/spec-hash", "cygnet.dev/credentials"
SURGING = (Role.PREPROCESSOR, Role.UPLOADER)
_GONE_NODE_SECONDS = 30
_USER = 65532


def spec_name(pipeline: str) -> str:
    """Return the name of the ConfigMap with the resolved spec."""
    return f"{pipeline}-spec"


def deployment(observed: Observed, settings: Settings, role: Role, replicas: int) -> dict[str, Any]:
    """Return a role's Deployment; it has its replicas at every apply, or they would go back to 1."""
    name = observed.pipeline.metadata.name
    return {
        "apiVersion": DEPLOYMENT.api_version,
        "kind": DEPLOYMENT.kind,
        "metadata": metadata(observed, child_name(name, role), role),
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 2,
            "selector": {"matchLabels": selector(name, role)},
            "strategy": _strategy(role),
            "template": {
                "metadata": {
                    "labels": labels(name, role),
                    "annotations": _annotations(observed, settings, role),
                },
                "spec": _pod(observed, settings, role),
            },
        },
    }


def _strategy(role: Role) -> dict[str, Any]:
    if role in SURGING:
        return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}}
    return {"type": "Recreate"}


def _annotations(observed: Observed, settings: Settings, role: Role) -> Mapping[str, str]:
    pipeline = observed.pipeline
    ours = uses_our_login(pipeline, settings, role) or uses_our_keys(pipeline, settings)
    return {
        SPEC_HASH: spec_hash(pipeline),
        **({CREDENTIALS: settings.fingerprint(role)} if ours else {}),
    }


def _pod(observed: Observed, settings: Settings, role: Role) -> dict[str, Any]:
    pipeline = observed.pipeline
    name, given = pipeline.metadata.name, pod_spec_of(pipeline, role)
    pull_secrets = dict.fromkeys([*given.image_pull_secrets, *settings.pull_secrets])
    return {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": grace_seconds(pipeline),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container(observed, settings, role)],
        "volumes": volumes(pipeline, role, spec_name(name)),
        "tolerations": [
            *(each.model_dump(by_alias=True, exclude_none=True) for each in given.tolerations),
            *_gone_nodes(),
        ],
        **({"nodeSelector": dict(given.node_selector)} if given.node_selector else {}),
        **({"imagePullSecrets": [{"name": each} for each in pull_secrets]} if pull_secrets else {}),
        **({"topologySpreadConstraints": [_spread(name, role)]} if role in SURGING else {}),
    }


def _gone_nodes() -> list[dict[str, Any]]:
    """A pod leaves a node that cannot be reached after 30 s: its work waits for somebody else."""
    return [
        {
            "key": f"node.kubernetes.io/{state}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": _GONE_NODE_SECONDS,
        }
        for state in ("not-ready", "unreachable")
    ]


def _spread(name: str, role: Role) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector(name, role)},
        "matchLabelKeys": ["pod-template-hash"],
    }
