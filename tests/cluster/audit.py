"""What an account has asked of the API server, by its audit log: of the clusters here the rig has one."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster.clusters import Cluster

_CREATED, _FORBIDDEN = 201, 403
Resource = tuple[str, str]
"""API group and resource as a role names them, a subresource after a slash."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request and what came of it."""

    verb: str
    resource: Resource | None
    """None where no object is asked for: versions, and which resources there are."""
    path: str
    code: int

    @property
    def is_forbidden(self) -> bool:
        """Whether the account has not the right."""
        return self.code == _FORBIDDEN


def asked(cluster: Cluster, user: str) -> list[Asked]:
    """Return what a user, or somebody as that user, has asked so far: each request once."""
    log = cluster.kubectl.kubeconfig.parents[1] / "log" / "audit.log"
    return list(_read(log, user))


def _read(log: Path, user: str) -> Iterator[Asked]:
    seen: set[str] = set()
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            if user not in line or not line.endswith("\n"):
                continue
            entry = json.loads(line)
            who = entry.get("impersonatedUser", entry["user"])
            if who["username"] == user and entry["auditID"] not in seen:
                seen.add(entry["auditID"])  # a watch is told twice, when it begins and when it ends
                yield Asked(
                    entry["verb"],
                    _resource(entry.get("objectRef", {})),
                    entry["requestURI"].partition("?")[0],
                    entry["responseStatus"]["code"],
                )


def _resource(reference: dict[str, str]) -> Resource | None:
    if "resource" not in reference:
        return None
    parts = (reference["resource"], reference.get("subresource"))
    return reference.get("apiGroup", ""), "/".join(part for part in parts if part)


def required(requests: Iterable[Asked]) -> dict[Resource, set[str]]:
    """Return the verbs that a role must have for these requests, those that were forbidden left out.

    An apply is a patch in the log; where it created the object it was refused without the verb create.
    """
    found: dict[Resource, set[str]] = defaultdict(set)
    for each in requests:
        if each.resource and not each.is_forbidden:
            creates = each.verb == "patch" and each.code == _CREATED
            found[each.resource] |= {each.verb, "create"} if creates else {each.verb}
    return dict(found)
