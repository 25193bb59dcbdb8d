"""A role's container: image, environment, probes, resources, and what it may not do."""

import math
from typing import Any

from cygnet.spec.pipeline import Pipeline
from cygnet.spec.pods import Pod, Resources
from cygnet_operator.observed import Observed, Role
from cygnet_operator.reconcile.labels import METRICS_PORT
from cygnet_operator.settings import S3_KEYS, Settings

SPEC_FOLDER, SPEC_FILE = "/etc/cygnet", "pipeline.yaml"
SERVICES = {
    Role.SOURCE: "simulator",
    Role.PREPROCESSOR: "preprocessor",
    Role.AGGREGATOR: "aggregator",
    Role.UPLOADER: "uploader",
}
"""Containers and `cygnet service` say what runs: the container named simulator runs any source."""
FLUSH_SECONDS, SPARE_SECONDS = 10, 10
_LONGEST_GRACE_SECONDS = 3600
_LITTLE = {"cpu": "25m", "memory": "128Mi"}
_DEFAULT_REGION = "us-east-1"


def pod_spec_of(pipeline: Pipeline, role: Role) -> Pod:
    """Return what the spec says about a role's pods."""
    pod: Pod = getattr(pipeline.spec.pods, str(role))
    return pod


def grace_seconds(pipeline: Pipeline) -> int:
    """Return the time that a pod has for its end: what it holds is finished, flushed, and a little more."""
    return math.ceil(pipeline.spec.streams.max_processing_seconds) + FLUSH_SECONDS + SPARE_SECONDS


def connection_name(pipeline: str) -> str:
    """Return the name of the Secret with the installation's own credentials."""
    return f"{pipeline}-connection"


def container(observed: Observed, settings: Settings, role: Role) -> dict[str, Any]:
    """Return a role's container."""
    pipeline = observed.pipeline
    return {
        "name": SERVICES[role],
        "image": pod_spec_of(pipeline, role).image or settings.images[role],
        "imagePullPolicy": settings.pull_policy,
        "args": ["service", SERVICES[role], "--spec", f"{SPEC_FOLDER}/{SPEC_FILE}"],
        "env": _environment(observed, settings, role),
        "ports": [{"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}],
        "resources": _resources(pod_spec_of(pipeline, role).resources),
        "startupProbe": _probe("/healthz", every=1, timeout=3, failures=120),
        "livenessProbe": _probe("/healthz", every=10, timeout=5, failures=3),
        "readinessProbe": _probe("/readyz", every=2, timeout=4, failures=2),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": _mounts(pipeline, role),
    }


def _environment(observed: Observed, settings: Settings, role: Role) -> list[dict[str, Any]]:
    """Return where NATS and S3 are and who the pod is: each name once, in a fixed order."""
    pipeline = observed.pipeline
    plain = {
        **_addresses(pipeline, settings),
        "CYGNET_INSTALLATION": settings.installation,
        "CYGNET_PIPELINE_UID": observed.uid,
        "CYGNET_GRACE_SECONDS": str(
            min(_LONGEST_GRACE_SECONDS, grace_seconds(pipeline) - SPARE_SECONDS // 2)
        ),
        "CYGNET_LOG_LEVEL": settings.log_level,
    }
    instance = {
        "name": "CYGNET_INSTANCE",
        "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}},
    }
    secrets = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
        for name, (secret, key) in _credentials(pipeline, settings, role).items()
    ]
    return [*({"name": name, "value": value} for name, value in plain.items()), instance, *secrets]


def _addresses(pipeline: Pipeline, settings: Settings) -> dict[str, str]:
    nats, storage = pipeline.spec.nats, pipeline.spec.storage
    region = storage.region
    if not storage.endpoint and region == _DEFAULT_REGION:
        region = settings.s3_region or region
    found = {
        "NATS_URL": nats.url or settings.nats_url,
        "AWS_ENDPOINT_URL": storage.endpoint or settings.s3_endpoint,
        "AWS_REGION": region,
    }
    return {name: value for name, value in found.items() if value}


def _credentials(pipeline: Pipeline, settings: Settings, role: Role) -> dict[str, tuple[str, str]]:
    """Return the Secret and key behind each variable; the user's own Secrets win."""
    nats, storage = pipeline.spec.nats, pipeline.spec.storage
    ours = connection_name(pipeline.metadata.name)
    found: dict[str, tuple[str, str]] = {}
    if nats.secret_name:
        found["CYGNET_NATS_USER"] = (nats.secret_name, "username")
        found["CYGNET_NATS_PASSWORD"] = (nats.secret_name, "password")
    elif uses_our_login(pipeline, settings, role):
        found["CYGNET_NATS_USER"] = (ours, f"{role}-nats-username")
        found["CYGNET_NATS_PASSWORD"] = (ours, f"{role}-nats-password")
    if storage.secret_name or uses_our_keys(pipeline, settings):
        found |= {key: (storage.secret_name or ours, key) for key in S3_KEYS}
    return found


def uses_our_login(pipeline: Pipeline, settings: Settings, role: Role) -> bool:
    """Whether a role's pods are users of the installation's own NATS."""
    nats = pipeline.spec.nats
    return not nats.url and not nats.secret_name and role in settings.logins


def uses_our_keys(pipeline: Pipeline, settings: Settings) -> bool:
    """Whether the pods use the installation's own S3 keys."""
    storage = pipeline.spec.storage
    return not storage.endpoint and not storage.secret_name and bool(settings.s3_keys)


def _probe(path: str, *, every: int, timeout: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "metrics"},
        "periodSeconds": every,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }


def _resources(given: Resources) -> dict[str, Any]:
    limits = given.limits.model_dump(exclude_none=True)
    asked = given.requests.model_dump(exclude_none=True)
    # A limit without a request is the request too, as Kubernetes has it.
    little = {name: amount for name, amount in _LITTLE.items() if name not in limits}
    return {"requests": {**little, **asked}, **({"limits": limits} if limits else {})}


def _mounts(pipeline: Pipeline, role: Role) -> list[dict[str, Any]]:
    claims = pipeline.spec.pods.source.claims if role is Role.SOURCE else []
    return [
        {"name": "spec", "mountPath": SPEC_FOLDER, "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of the pod's own
        *({"name": f"claim-{place}", "mountPath": claim.mount_path, "readOnly": True}
          for place, claim in enumerate(claims)),
    ]  # fmt: skip


def volumes(pipeline: Pipeline, role: Role, spec_name: str) -> list[dict[str, Any]]:
    """Return a role's volumes: the spec, a place for temporary files, the user's claims to read from."""
    claims = pipeline.spec.pods.source.claims if role is Role.SOURCE else []
    return [
        {"name": "spec", "configMap": {"name": spec_name}},
        {"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}},
        *({"name": f"claim-{place}",
           "persistentVolumeClaim": {"claimName": claim.claim_name, "readOnly": True}}
          for place, claim in enumerate(claims)),
    ]  # fmt: skip
