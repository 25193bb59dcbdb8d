"""Pipelines, settings and observations for the tests of the operator."""

from typing import Any

from cygnet.spec.pipeline import Pipeline
from cygnet_operator.observed import Observed, Role, RoleState
from cygnet_operator.settings import Login, Settings

SETTINGS = Settings(
    installation="cygnet/cygnet",
    nats_url="nats://nats.cygnet:4222",
    s3_endpoint="http://s3.cygnet:9000",
    s3_region="eu-south-1",
    images={role: f"cygnet/{role}:test" for role in Role},
    logins={name: Login(f"{name}-user", f"{name}-password") for name in ("operator", *Role)},
    s3_keys={"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"},
)


def document(name: str = "lime", namespace: str = "lab", **spec: Any) -> dict[str, Any]:
    """Return a Pipeline as the API server has it."""
    source = {"name": "cam", "simulator": {"model": "cygno", "rateHz": 5}}
    return {
        "apiVersion": "cygnet.dev/v1alpha1",
        "kind": "Pipeline",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{namespace}-{name}",
            "generation": 1,
            "resourceVersion": "10",
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"sources": [source], **spec},
    }


def pipeline(name: str = "lime", namespace: str = "lab", **spec: Any) -> Pipeline:
    """Return a Pipeline."""
    plain = document(name, namespace, **spec)
    del plain["metadata"]["generation"]
    return Pipeline.model_validate(plain)


def observed(
    name: str = "lime",
    *,
    status: dict[str, Any] | None = None,
    roles: dict[Role, RoleState] | None = None,
    **spec: Any,
) -> Observed:
    """Return a Pipeline as it is seen."""
    return Observed(
        pipeline=pipeline(name, **spec),
        uid=f"uid-lab-{name}",
        generation=1,
        status=status or {},
        roles=roles or {},
    )
