"""A release over its life: secrets that stay, Secrets that miss, rights of users, limits of namespaces."""

import base64

import pytest

from fixtures.helm import HelmError
from fixtures.kubectl import KubectlError, apply, delete, get, kubectl, restricted_namespace, wait_until

from .conftest import LEAN, apply_crd, pipeline

OWN = {
    "nats": {"persistence": {"enabled": False}},
    "s3": {"enabled": True, "persistence": {"enabled": False}},
}


@pytest.fixture(autouse=True)
def with_crd():
    apply_crd()


def secret(name, namespace):
    found = get("secret", name, namespace)
    assert found, name
    return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}


def test_passwords_are_made_once_and_kept_over_upgrades(helm, namespace):
    helm.install("cygnet", namespace, OWN)
    names = ("cygnet-nats", "cygnet-s3")
    before = [secret(name, namespace) for name in names]
    assert (
        len({value for key, value in before[0].items() if key.endswith("password")})
        == len(before[0]) // 2 + 1
    )
    helm.upgrade("cygnet", namespace, {**OWN, "operator": {"logLevel": "debug"}})
    assert [secret(name, namespace) for name in names] == before
    more = {**OWN, "nats": {**OWN["nats"], "foreignSubjects": ["daq/data"]}}
    helm.upgrade("cygnet", namespace, more)
    after = secret("cygnet-nats", namespace)
    assert after.keys() - before[0].keys() == {"announcer-username", "announcer-password"}
    assert {key: after[key] for key in before[0]} == before[0]


def test_what_lies_on_claims_is_found_again_after_a_reinstall(helm4, namespace):
    values = {"s3": {"enabled": True}, "uninstall": {"force": True}}
    helm4.install("cygnet", namespace, values)
    before = [secret(name, namespace) for name in ("cygnet-nats", "cygnet-s3")]
    helm4.uninstall("cygnet", namespace)
    assert get("pvc", "data-cygnet-nats-0", namespace)
    helm4.install("cygnet", namespace, values)
    assert [secret(name, namespace) for name in ("cygnet-nats", "cygnet-s3")] == before


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"nats": {"existingSecret": "absent"}}, "nats.existingSecret"),
        ({**LEAN, "s3": {"endpoint": "https://s3.lab", "existingSecret": "absent"}}, "s3.existingSecret"),
    ],
)
def test_a_secret_that_is_not_there_is_named(helm, namespace, values, field):
    with pytest.raises(HelmError, match=f'{field}: there is no Secret "absent" in namespace "{namespace}"'):
        helm.install("cygnet", namespace, values)
    document = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "absent", "namespace": namespace}}
    apply([document])
    helm.install("cygnet", namespace, {**values, "uninstall": {"force": True}})


def test_notes_tell_three_commands_and_what_an_empty_dir_means(helm, namespace):
    said = helm.install("cygnet", namespace, OWN)
    for command in ("rollout status deployment/cygnet-operator", "helm test cygnet", "apply --filename -"):
        assert command in said
    assert "emptyDir" in said
    assert "every frame in flight" in said
    assert "emptyDir" not in helm.install("other", namespace, {**LEAN, "crds": {"install": False}})


def test_editors_of_a_namespace_may_scale_pipelines_and_viewers_may_look(helm4, namespace):
    def may(user, *what):
        try:
            return kubectl("auth", "can-i", *what, "-n", namespace, "--as", user).strip() == "yes"
        except KubectlError:
            return False

    for role in ("view", "edit", "admin"):
        kubectl("create", "rolebinding", role, f"--clusterrole={role}", f"--user={role}er", "-n", namespace)
    assert not may("editer", "update", "pipelines.cygnet.dev", "--subresource=scale")
    helm4.install("cygnet", namespace, LEAN)
    wait_until(lambda: may("editer", "update", "pipelines.cygnet.dev", "--subresource=scale"))
    for user in ("editer", "adminer"):
        assert may(user, "create", "pipelines.cygnet.dev")
        assert may(user, "delete", "pipelines.cygnet.dev")
        assert may(user, "get", "pipelines.cygnet.dev", "--subresource=status")
        assert not may(user, "update", "pipelines.cygnet.dev", "--subresource=status")
    wait_until(lambda: may("viewer", "get", "pipelines.cygnet.dev"))
    assert not may("viewer", "create", "pipelines.cygnet.dev")
    assert not may("viewer", "update", "pipelines.cygnet.dev", "--subresource=scale")
    apply([pipeline("scaled", namespace)])
    kubectl("scale", "pipeline", "scaled", "--replicas=3", "-n", namespace, "--as", "editer")


def test_a_namespace_holds_its_pipelines_to_buckets_and_workers(helm4, namespace):
    helm4.install("cygnet", namespace, {**LEAN, "admissionPolicies": {"enabled": True}})
    limits = {"cygnet.dev/buckets": "cygno,lime", "cygnet.dev/max-replicas": "8"}
    limited, free = f"{namespace}-limited", f"{namespace}-free"
    apply([restricted_namespace(limited, **limits), restricted_namespace(free)])

    def refused(name, where=limited, **spec):
        try:
            apply([pipeline(name, where, **spec)], "--dry-run=server")
        except KubectlError as error:
            return str(error)
        return ""

    try:
        wait_until(lambda: refused("wide", uploader={"bucket": "other"}))
        assert "other; namespace" in refused("wide", uploader={"bucket": "other"})
        assert "may store in: cygno,lime" in refused("wide", uploader={"bucket": "other"})
        most = {"scaling": {"maxReplicas": 9}}
        assert "may have at most 8" in refused("many", uploader={"bucket": "lime"}, preprocessor=most)
        fits = {"uploader": {"bucket": "lime"}, "preprocessor": {"scaling": {"maxReplicas": 8}}}
        assert not refused("fits", **fits)
        assert not refused("free", free, uploader={"bucket": "other"}, preprocessor=most)
    finally:
        for name in (limited, free):
            delete("namespace", name, "default", "--wait=false")
