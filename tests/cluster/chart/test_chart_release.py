"""A release over its life: secrets that stay, Secrets that miss, rights of users, limits of namespaces."""

import base64
import json

import pytest

from cluster.chart.conftest import LEAN, apply_crd, find, pipeline
from cluster.helm import HelmError
from cluster.kubectl import KubectlError, until

OWN = {
    "nats": {"persistence": {"enabled": False}},
    "s3": {"enabled": True, "persistence": {"enabled": False}},
}


pytestmark = pytest.mark.usefixtures("no_release_stays")


@pytest.fixture(autouse=True)
def with_crd(cluster):
    apply_crd(cluster.kubectl)


def secret(kubectl, name):
    data = kubectl.get("secret", name)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def test_passwords_are_made_once_and_kept_over_upgrades(helm, kubectl, namespace):
    helm.install("cygnet", namespace, OWN)
    names = ("cygnet-nats", "cygnet-s3")
    before = [secret(kubectl, name) for name in names]
    assert (
        len({value for key, value in before[0].items() if key.endswith("password")})
        == len(before[0]) // 2 + 1
    )
    helm.upgrade("cygnet", namespace, {**OWN, "operator": {"logLevel": "debug"}})
    assert [secret(kubectl, name) for name in names] == before
    more = {**OWN, "nats": {**OWN["nats"], "foreignSubjects": ["daq/data"]}}
    helm.upgrade("cygnet", namespace, more)
    after = secret(kubectl, "cygnet-nats")
    assert after.keys() - before[0].keys() == {"announcer-username", "announcer-password"}
    assert {key: after[key] for key in before[0]} == before[0]


def test_what_lies_on_claims_is_found_again_after_a_reinstall(helm4, kubectl, namespace):
    values = {"s3": {"enabled": True}, "uninstall": {"force": True}}
    helm4.install("cygnet", namespace, values)
    before = [secret(kubectl, name) for name in ("cygnet-nats", "cygnet-s3")]
    helm4.uninstall("cygnet", namespace)
    assert find(kubectl, "pvc", "data-cygnet-nats-0")
    helm4.install("cygnet", namespace, values)
    assert [secret(kubectl, name) for name in ("cygnet-nats", "cygnet-s3")] == before


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"nats": {"existingSecret": "absent"}}, "nats.existingSecret"),
        ({**LEAN, "s3": {"endpoint": "https://s3.lab", "existingSecret": "absent"}}, "s3.existingSecret"),
    ],
)
def test_a_secret_that_is_not_there_is_named(helm, kubectl, namespace, values, field):
    with pytest.raises(HelmError, match=f'{field}: there is no Secret "absent" in namespace "{namespace}"'):
        helm.install("cygnet", namespace, values)
    kubectl.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "absent"}})
    helm.install("cygnet", namespace, {**values, "uninstall": {"force": True}})


def test_notes_tell_three_commands_and_what_an_empty_dir_means(helm, kubectl, namespace):
    said = helm.install("cygnet", namespace, OWN)
    for command in ("rollout status deployment/cygnet-operator", "helm test cygnet", "apply --filename -"):
        assert command in said
    assert "emptyDir" in said
    assert "every frame in flight" in said
    helm.uninstall("cygnet", namespace, "--no-hooks")
    assert "emptyDir" not in helm.install("other", namespace, {**LEAN, "crds": {"install": False}})


def test_no_second_operator_for_the_same_pipelines(helm, namespace, new_namespace):
    """The first may watch all namespaces or one, and so may the second; its own upgrade is not the second."""
    elsewhere = new_namespace()
    every, one = LEAN, {**LEAN, "watchNamespaces": [namespace]}
    for first, second, where in (
        (every, every, "every namespace"),
        (every, one, "every namespace"),
        (one, every, f"namespace {namespace}"),
        (one, one, f"namespace {namespace}"),
    ):
        helm.install("first", namespace, first)
        helm.upgrade("first", namespace, first)
        told = f"release first of namespace {namespace} runs the Pipelines of {where} already"
        with pytest.raises(HelmError, match=told):
            helm.install("first", elsewhere, second)
        with pytest.raises(HelmError, match="by watchNamespaces, or uninstall that one first"):
            helm.install("second", namespace, second)
        helm.uninstall("first", namespace)
    helm.install("first", namespace, one)
    helm.install("first", elsewhere, {**LEAN, "watchNamespaces": [elsewhere]})


def test_editors_of_a_namespace_may_scale_pipelines_and_viewers_may_look(helm4, kubectl, namespace):
    def may(user, *what):
        try:
            return kubectl.run("auth", "can-i", *what, "--as", user).strip() == "yes"
        except KubectlError:
            return False

    for role in ("view", "edit", "admin"):
        kubectl.run("create", "rolebinding", role, f"--clusterrole={role}", f"--user={role}er")
    helm4.install("cygnet", namespace, LEAN)
    scale = ("update", "pipelines.cygnet.dev", "--subresource=scale")
    until("the role edit to grow", lambda: may("editer", *scale))
    for user in ("editer", "adminer"):
        assert may(user, "create", "pipelines.cygnet.dev")
        assert may(user, "delete", "pipelines.cygnet.dev")
        assert may(user, "get", "pipelines.cygnet.dev", "--subresource=status")
        assert not may(user, "update", "pipelines.cygnet.dev", "--subresource=status")
    until("the role view to grow", lambda: may("viewer", "get", "pipelines.cygnet.dev"))
    assert not may("viewer", "create", "pipelines.cygnet.dev")
    assert not may("viewer", *scale)
    kubectl.apply(pipeline("scaled"))
    kubectl.run("scale", "pipeline", "scaled", "--replicas=3", "--as", "editer")


def test_a_namespace_holds_its_pipelines_to_buckets_and_workers(helm4, kubectl, namespace, new_namespace):
    helm4.install("cygnet", namespace, {**LEAN, "admissionPolicies": {"enabled": True}})
    limits = ("cygnet.dev/buckets=cygno,lime", "cygnet.dev/max-replicas=8")
    kubectl.run("annotate", "namespace", namespace, *limits)
    free = kubectl.within(new_namespace())

    def refused(kubectl, **spec):
        try:
            kubectl.run("create", "--dry-run=server", "-f", "-", text=json.dumps(pipeline("p", **spec)))
        except KubectlError as error:
            return str(error)
        return ""

    other, most = {"bucket": "other"}, {"scaling": {"maxReplicas": 9}}
    until("the policy to hold", lambda: refused(kubectl, uploader=other))
    said = refused(kubectl, uploader=other)
    assert "spec.uploader.bucket" in said
    assert f"other; namespace {namespace} may store in: cygno,lime" in said
    said = refused(kubectl, uploader={"bucket": "lime"}, preprocessor=most)
    assert f"maxReplicas: 9; namespace {namespace} may have at most 8" in said
    assert not refused(kubectl, uploader={"bucket": "lime"}, preprocessor={"scaling": {"maxReplicas": 8}})
    assert not refused(free, uploader=other, preprocessor=most)
