"""Who may what: the operator exactly what it uses, the pods of a Pipeline nothing at all."""

import json
from collections import Counter
from typing import Any

import pytest

from cluster.audit import Asked, Resource, asked, required
from cluster.installation import RELEASE, Installation
from cluster.kubectl import Kubectl, KubectlError, until
from cluster.report import Measured
from cluster.streams import stream
from cygnet_operator.rbac import RULES, manifest_rules

pytestmark = pytest.mark.timeout(900)
NAME, STILL = "life", "still"
ROLES = ("source", "preprocessor", "aggregator", "uploader")
TOKENS = """
import json, os
found = [os.path.join(folder, name) for folder, under, names in os.walk("/") for name in names
         if name == "token" and not folder.startswith(("/proc", "/sys"))]
mounted = [line.split()[1] for line in open("/proc/self/mounts") if "serviceaccount" in line]
print(json.dumps(found + mounted))
"""


def account(namespace: str, name: str) -> str:
    """Return the name by which the API server knows a ServiceAccount."""
    return f"system:serviceaccount:{namespace}:{name}"


def live(installation: Installation) -> None:
    """Lead a Pipeline through its life: all that the operator ever does for one."""
    kubectl = installation.pipelines

    def workers() -> int:
        return int(kubectl.get("deployment", f"{NAME}-preprocessor")["spec"]["replicas"])

    installation.apply(stream(NAME, None, bucket="rights", runs="endless"))
    installation.says(NAME, "Ready", seconds=120)
    kubectl.run("scale", "pipeline", NAME, "--replicas=3")
    until("three workers are asked for", lambda: workers() == 3, 60)

    service = kubectl.get("service", f"{NAME}-metrics")["metadata"]["uid"]
    kubectl.delete("service", f"{NAME}-metrics")
    until(
        "the deleted Service is there again",
        lambda: kubectl.get("service", f"{NAME}-metrics")["metadata"]["uid"] != service,
    )
    budget = kubectl.get("poddisruptionbudget", f"{NAME}-uploader")["spec"]
    edit = json.dumps({"spec": {"maxUnavailable": 0}})
    kubectl.run("patch", "poddisruptionbudget", f"{NAME}-uploader", "--type=merge", f"--patch={edit}")
    until(
        "the edited budget is right again",
        lambda: kubectl.get("poddisruptionbudget", f"{NAME}-uploader")["spec"] == budget,
    )

    for lifecycle, told in (("Paused", "Paused"), ("Running", "Ready"), ("Drained", "Drained")):
        installation.wants(NAME, lifecycle)
        installation.says(NAME, told, seconds=180)
    kubectl.run("delete", "pipeline", NAME, seconds=120)
    selector = f"--selector=app.kubernetes.io/instance={NAME}"
    until("nothing of it is left", lambda: not kubectl.items("deployments,pods,services", selector), 120)


def table(granted: dict[Resource, set[str]], requests: list[Asked]) -> str:
    """Return what was granted beside how often it was used; the verb create with the applies that created."""
    uses = Counter((each.resource, each.verb) for each in requests if not each.is_forbidden)
    uses.update((each.resource, "create") for each in requests if each.verb == "patch" and each.code == 201)
    lines = [f"{'group':18} {'resource':20} verbs, and how often"]
    for group, resource in sorted(granted):
        verbs = sorted(granted[group, resource])
        told = ", ".join(f"{verb} {uses[(group, resource), verb]}" for verb in verbs)
        lines.append(f"{group or 'core':18} {resource:20} {told}")
    return "\n".join(lines)


@pytest.mark.rig("it reads the API server's audit log")
def test_the_operator_is_granted_what_it_uses_and_nothing_else(
    installation: Installation, measured: Measured
) -> None:
    role = installation.pipelines.get("role", f"{RELEASE}-operator")
    assert role["rules"] == manifest_rules(), "the release has another role than the one that is checked"
    operator = account(installation.home.namespace, f"{RELEASE}-operator")
    with pytest.raises(KubectlError, match="cannot list resource"):
        installation.pipelines.run("get", "secrets", f"--as={operator}")  # the log tells of refusals
    live(installation)
    requests = asked(installation.cluster, operator)
    granted = {(rule.group, rule.resource): set(rule.verbs) for rule in RULES}
    measured(table(granted, requests))
    others = {each.path for each in requests if each.resource is None}
    measured(f"and what every account may: {', '.join(sorted(others))}")
    refused = [each for each in requests if each.is_forbidden]
    assert [(each.verb, each.resource) for each in refused] == [("list", ("", "secrets"))]
    assert required(requests) == granted


def looks_for_tokens(kubectl: Kubectl, pod: str) -> list[str]:
    """Return what looks like an account's token in a running pod; its image has Python and no shell."""
    found: list[str] = json.loads(kubectl.run("exec", pod, "--", "python", "-c", TOKENS))
    return found


def token_volumes(pod: dict[str, Any]) -> list[str]:
    """Return the volumes of a pod that are made of a token."""
    projected = [each for each in pod["spec"].get("volumes", []) if "projected" in each]
    return [
        each["name"]
        for each in projected
        if any("serviceAccountToken" in source for source in each["projected"]["sources"])
    ]


def may(kubectl: Kubectl, user: str) -> list[str]:
    """Return all that an account may do in the namespace, in an order that does not change."""
    return sorted(kubectl.run("auth", "can-i", "--list", f"--as={user}").splitlines())


def test_pods_of_a_pipeline_have_no_token_and_their_account_may_nothing(
    installation: Installation, measured: Measured
) -> None:
    kubectl, namespace = installation.pipelines, installation.pipelines.namespace
    one = {"stages": [{"crop": {"halfWindow": 32}}], "scaling": {"minReplicas": 1, "maxReplicas": 1}}
    installation.apply(stream(STILL, None, bucket="rights", runs="endless", preprocessor=one))
    installation.says(STILL, "Ready", seconds=120)
    pods = [pod for role in ROLES for pod in installation.pods(STILL, role)]
    assert len(pods) == len(ROLES)
    for pod in pods:
        assert pod["spec"]["serviceAccountName"] == STILL
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert not token_volumes(pod)
        assert not looks_for_tokens(kubectl, pod["metadata"]["name"])

    kubectl.run("create", "serviceaccount", "fresh")
    nothing = may(kubectl, account(namespace, "fresh"))
    assert may(kubectl, account(namespace, STILL)) == nothing
    measured(f"no token in the pods of {len(pods)} roles; their account may what a fresh one may")

    # Where there is a token and a right, both are found.
    [operator] = installation.home.items("pods", "--selector=app.kubernetes.io/component=operator")
    assert token_volumes(operator)
    assert looks_for_tokens(installation.home, operator["metadata"]["name"])
    assert may(kubectl, account(installation.home.namespace, f"{RELEASE}-operator")) != nothing
