"""All the objects of a Pipeline, in the order in which they are applied."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cygnet_operator.observed import Observed, Role
from cygnet_operator.reconcile.covered import stamped
from cygnet_operator.reconcile.deployments import deployment
from cygnet_operator.reconcile.surroundings import (
    budgets,
    config_map,
    connection,
    metrics_service,
    network_policy,
    service_account,
)
from cygnet_operator.settings import Settings

Replicas = Mapping[Role, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object that should be as it says."""

    document: dict[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        """Kind and name."""
        return self.document["kind"], self.document["metadata"]["name"]


def objects(observed: Observed, settings: Settings, replicas: Replicas) -> list[Wanted]:
    """Return the objects that an accepted Pipeline should have: pods come last, they need the others."""
    documents = [
        service_account(observed),
        connection(observed, settings),
        config_map(observed),
        metrics_service(observed),
        network_policy(observed, settings),
        *budgets(observed),
        *(deployment(observed, settings, role, replicas[role]) for role in Role),
    ]
    return [Wanted(stamped(document)) for document in documents]
