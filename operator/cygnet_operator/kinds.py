"""The kinds of objects that the operator works with, and where the API serves them."""

from dataclasses import dataclass

from cygnet.spec.pipeline import API_VERSION

GROUP, VERSION = API_VERSION.split("/")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object with a namespace."""

    api_version: str
    kind: str
    plural: str
    subresource: str = ""

    @property
    def group(self) -> str:
        """API group; empty for the core."""
        return self.api_version.rpartition("/")[0]

    @property
    def resource(self) -> str:
        """Resource as roles name it, a subresource after a slash."""
        return "/".join(part for part in (self.plural, self.subresource) if part)

    def path(self, namespace: str | None = None, name: str = "") -> str:
        """Path of an object, of a namespace's objects, or of all."""
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"
        parts = [root, *(["namespaces", namespace] if namespace else []), self.plural, name, self.subresource]
        return "/".join(part for part in parts if part)


PIPELINE = Kind(API_VERSION, "Pipeline", "pipelines")
PIPELINE_STATUS = Kind(API_VERSION, "Pipeline", "pipelines", "status")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
POD = Kind("v1", "Pod", "pods")
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
SECRET = Kind("v1", "Secret", "secrets")
SERVICE = Kind("v1", "Service", "services")
SERVICE_ACCOUNT = Kind("v1", "ServiceAccount", "serviceaccounts")
BUDGET = Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
NETWORK_POLICY = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
EVENT = Kind("events.k8s.io/v1", "Event", "events")

APPLIED = (
    SERVICE_ACCOUNT,
    SECRET,
    CONFIG_MAP,
    SERVICE,
    NETWORK_POLICY,
    BUDGET,
    DEPLOYMENT,
)
"""Kinds of a Pipeline's children, in the order in which they are applied."""

WATCHED = tuple(kind for kind in (*APPLIED, POD) if kind is not SECRET)
"""Kinds whose objects are listed and watched; Secrets are written and never read."""

BY_KIND = {kind.kind: kind for kind in (PIPELINE, POD, *APPLIED)}
