"""What becomes of the CRD and of Pipelines when releases come and go: it is the cluster's, not a release's."""

import json

import pytest

from fixtures.helm import HelmError
from fixtures.kubectl import apply, get, kubectl

from .conftest import CRD, LEAN, apply_crd, crd, owner, pipeline

pytestmark = pytest.mark.usefixtures("no_crd")


def test_a_second_release_leaves_the_crd_to_the_first(helm, namespace):
    helm.install("one", namespace, LEAN)
    helm.install("two", namespace, LEAN)
    helm.upgrade("two", namespace, LEAN)
    assert owner() == "one"
    apply([pipeline("kept", namespace)])
    helm.uninstall("two", namespace)
    helm.upgrade("one", namespace, LEAN)
    helm.uninstall("one", namespace)
    assert crd()
    assert get("pipeline", "kept", namespace)


def test_a_reinstall_under_another_name_finds_crd_and_pipelines(helm, namespace):
    helm.install("one", namespace, LEAN)
    apply([pipeline("kept", namespace)])
    before = get("pipeline", "kept", namespace)
    helm.uninstall("one", namespace)
    helm.install("two", namespace, LEAN)
    helm.upgrade("two", namespace, LEAN)
    assert before
    assert (get("pipeline", "kept", namespace) or {})["metadata"]["uid"] == before["metadata"]["uid"]


def test_a_reinstall_under_the_same_name_goes_on_with_its_crd(helm, namespace):
    helm.install("one", namespace, LEAN)
    apply([pipeline("kept", namespace)])
    helm.uninstall("one", namespace)
    helm.install("one", namespace, LEAN)
    assert owner() == "one"
    assert get("pipeline", "kept", namespace)


def test_a_crd_that_kubectl_applied_before_is_left_alone(helm, namespace):
    apply_crd()
    apply([pipeline("kept", namespace)])
    helm.install("one", namespace, LEAN)
    helm.upgrade("one", namespace, LEAN)
    assert owner() == ""
    helm.uninstall("one", namespace)
    assert get("pipeline", "kept", namespace)


def test_a_release_that_no_longer_installs_the_crd_keeps_it(helm, namespace):
    helm.install("one", namespace, LEAN)
    apply([pipeline("kept", namespace)])
    helm.upgrade("one", namespace, {**LEAN, "crds": {"install": False}})
    assert crd()
    assert get("pipeline", "kept", namespace)
    helm.uninstall("one", namespace)
    assert get("pipeline", "kept", namespace)


def test_a_release_that_is_to_take_the_crd_with_it_does(helm, namespace):
    helm.install("one", namespace, {**LEAN, "crds": {"keep": False}})
    helm.uninstall("one", namespace, "--no-hooks")
    kubectl("wait", "--for=delete", f"crd/{CRD}", "--timeout=30s")


def test_an_older_crd_is_refused_with_the_way_out_and_then_taken_over(helm, namespace):
    older_crd()
    apply([pipeline("kept", namespace)])
    with pytest.raises(HelmError, match="in another version") as refused:
        helm.install("one", namespace, LEAN)
    helm.install("two", namespace, {**LEAN, "crds": {"install": False}})
    assert "preprocessor" not in spec_fields(), "a release without the CRD has changed it"
    lines = [line.strip() for line in str(refused.value).splitlines()]
    commands = [line for line in lines if line.startswith("kubectl ")]
    assert len(commands) == 2
    for command in commands:
        kubectl(*command.split()[1:])
    helm.install("one", namespace, LEAN, *(["--force-conflicts"] if helm.major > 3 else []))
    assert owner() == "one"
    assert "preprocessor" in spec_fields()
    assert get("pipeline", "kept", namespace)


def test_the_crd_of_a_release_is_upgraded_with_it(helm, namespace):
    helm.install("one", namespace, LEAN)
    path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/preprocessor"
    patch = json.dumps([{"op": "remove", "path": path}])
    assert "preprocessor" in spec_fields()
    kubectl("patch", "crd", CRD, "--type=json", "--field-manager=helm", "--patch", patch)
    assert "preprocessor" not in spec_fields()
    helm.upgrade("one", namespace, LEAN, *(["--force-conflicts"] if helm.major > 3 else []))
    assert "preprocessor" in spec_fields()


def older_crd():
    """Apply a CRD of before preprocessors, as an older release's kubectl did."""
    names = {"kind": "Pipeline", "plural": "pipelines", "singular": "pipeline", "listKind": "PipelineList"}
    spec = {"type": "object", "properties": {"sources": {"type": "array", "items": {"type": "object"}}}}
    schema = {"type": "object", "properties": {"spec": spec}}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    document = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": CRD},
        "spec": {"group": "cygnet.dev", "scope": "Namespaced", "names": names, "versions": [version]},
    }
    for each in document["spec"]["versions"]:
        each["schema"]["openAPIV3Schema"]["properties"]["spec"]["x-kubernetes-preserve-unknown-fields"] = True
        spec["properties"]["sources"]["items"]["x-kubernetes-preserve-unknown-fields"] = True
    apply([document])
    kubectl("wait", "--for=condition=Established", f"crd/{CRD}", "--timeout=30s")


def spec_fields():
    """Return the fields of a Pipeline's spec that the cluster knows."""
    found = crd()
    assert found
    return set(found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"])
