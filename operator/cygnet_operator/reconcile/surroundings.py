"""What pods need around them: spec, credentials, account, budget, a Service for metrics, network rules."""

import base64
from typing import Any
from urllib.parse import urlsplit

from cygnet.spec.pipeline import Pipeline
from cygnet_operator.kinds import BUDGET, CONFIG_MAP, NETWORK_POLICY, SECRET, SERVICE, SERVICE_ACCOUNT
from cygnet_operator.observed import Observed, Role
from cygnet_operator.reconcile.containers import (
    SPEC_FILE,
    connection_name,
    uses_our_keys,
    uses_our_login,
)
from cygnet_operator.reconcile.deployments import SURGING, spec_name
from cygnet_operator.reconcile.labels import METRICS_PORT, child_name, metadata, selector
from cygnet_operator.reconcile.resolved import spec_text
from cygnet_operator.settings import Settings

_DNS_PORT = 53
_NATS_PORT, _HTTP_PORTS = 4222, {"http": 80, "https": 443}
Json = dict[str, Any]


def service_account(observed: Observed) -> Json:
    """Return the pods' account: it may nothing, and no pod gets its token."""
    account = metadata(observed, observed.pipeline.metadata.name)
    return {
        "apiVersion": SERVICE_ACCOUNT.api_version,
        "kind": SERVICE_ACCOUNT.kind,
        "metadata": account,
        "automountServiceAccountToken": False,
    }


def config_map(observed: Observed) -> Json:
    """Return the resolved spec that pods read at their start."""
    return {
        "apiVersion": CONFIG_MAP.api_version,
        "kind": CONFIG_MAP.kind,
        "metadata": metadata(observed, spec_name(observed.pipeline.metadata.name)),
        "data": {SPEC_FILE: spec_text(observed.pipeline)},
    }


def connection(observed: Observed, settings: Settings) -> Json:
    """Return the installation's own credentials for those pods that use them; else an empty Secret."""
    pipeline = observed.pipeline
    data: dict[str, str] = {}
    for role in Role:
        if uses_our_login(pipeline, settings, role):
            login = settings.logins[role]
            data |= {f"{role}-nats-username": login.user, f"{role}-nats-password": login.password}
    if uses_our_keys(pipeline, settings):
        data |= settings.s3_keys
    return {
        "apiVersion": SECRET.api_version,
        "kind": SECRET.kind,
        "metadata": metadata(observed, connection_name(pipeline.metadata.name)),
        "type": "Opaque",
        "data": {name: base64.b64encode(value.encode()).decode() for name, value in data.items()},
    }


def budgets(observed: Observed) -> list[Json]:
    """Return how many pods a drained node may take at once, of those roles that have several."""
    name = observed.pipeline.metadata.name
    return [
        {
            "apiVersion": BUDGET.api_version,
            "kind": BUDGET.kind,
            "metadata": metadata(observed, child_name(name, role), role),
            "spec": {
                "maxUnavailable": "25%",
                "selector": {"matchLabels": selector(name, role)},
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        }
        for role in SURGING
    ]


def metrics_service(observed: Observed) -> Json:
    """Return the Service by which Prometheus finds every pod, ready or not."""
    name = observed.pipeline.metadata.name
    return {
        "apiVersion": SERVICE.api_version,
        "kind": SERVICE.kind,
        "metadata": metadata(observed, f"{name}-metrics"),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": selector(name),
            "ports": [{"name": "metrics", "port": METRICS_PORT, "protocol": "TCP", "targetPort": "metrics"}],
        },
    }


def network_policy(observed: Observed, settings: Settings) -> Json:
    """Return the pods' network rules: out to NATS, S3, announced URLs and DNS, in for metrics.

    By ports: a NetworkPolicy knows no host names, and these servers may be anywhere.
    """
    name = observed.pipeline.metadata.name
    dns = [{"protocol": protocol, "port": _DNS_PORT} for protocol in ("TCP", "UDP")]
    ports = sorted(_ports(observed.pipeline, settings))
    return {
        "apiVersion": NETWORK_POLICY.api_version,
        "kind": NETWORK_POLICY.kind,
        "metadata": metadata(observed, name),
        "spec": {
            "podSelector": {"matchLabels": selector(name)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": METRICS_PORT}]}],
            "egress": [{"ports": [*dns, *({"protocol": "TCP", "port": port} for port in ports)]}],
        },
    }


def _ports(pipeline: Pipeline, settings: Settings) -> set[int]:
    nats = (pipeline.spec.nats.url or settings.nats_url).split(",")
    found = {urlsplit(url.strip()).port or _NATS_PORT for url in nats if url.strip()}
    endpoint = pipeline.spec.storage.endpoint or settings.s3_endpoint or "https://aws"
    for url in (endpoint, *pipeline.spec.preprocessor.url_allow_list):
        parts = urlsplit(url)
        found.add(parts.port or _HTTP_PORTS[parts.scheme])
    return found
