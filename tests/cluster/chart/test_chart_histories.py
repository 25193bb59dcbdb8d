"""What becomes of the CRD and of Pipelines when releases come and go: it belongs to the cluster."""

import json

import pytest

from cluster.chart.conftest import CRD, LEAN, apply_crd, await_crd, find, owner, pipeline
from cluster.helm import HelmError

pytestmark = pytest.mark.usefixtures("no_crd", "no_release_stays")


def test_a_second_release_leaves_the_crd_to_the_first(helm, kubectl, new_namespace, namespace):
    first, second = ({**LEAN, "watchNamespaces": [each]} for each in (namespace, new_namespace()))
    helm.install("one", namespace, first)
    helm.install("two", namespace, second)
    helm.upgrade("two", namespace, second)
    assert owner(kubectl) == "one"
    kubectl.apply(pipeline("kept"))
    helm.uninstall("two", namespace)
    helm.upgrade("one", namespace, first)
    helm.uninstall("one", namespace)
    assert find(kubectl, "crd", CRD)
    assert find(kubectl, "pipelines", "kept")


def test_a_reinstall_under_another_name_finds_crd_and_pipelines(helm, kubectl, namespace):
    helm.install("one", namespace, LEAN)
    kubectl.apply(pipeline("kept"))
    before = find(kubectl, "pipelines", "kept")
    helm.uninstall("one", namespace)
    helm.install("two", namespace, LEAN)
    helm.upgrade("two", namespace, LEAN)
    assert find(kubectl, "pipelines", "kept")["metadata"]["uid"] == before["metadata"]["uid"]


def test_a_reinstall_under_the_same_name_goes_on_with_its_crd(helm, kubectl, namespace):
    helm.install("one", namespace, LEAN)
    kubectl.apply(pipeline("kept"))
    helm.uninstall("one", namespace)
    helm.install("one", namespace, LEAN)
    assert owner(kubectl) == "one"
    assert find(kubectl, "pipelines", "kept")


def test_a_crd_that_kubectl_applied_before_is_left_alone(helm, kubectl, namespace):
    apply_crd(kubectl)
    kubectl.apply(pipeline("kept"))
    helm.install("one", namespace, LEAN)
    helm.upgrade("one", namespace, LEAN)
    assert owner(kubectl) == ""
    helm.uninstall("one", namespace)
    assert find(kubectl, "pipelines", "kept")


def test_a_release_that_no_longer_installs_the_crd_keeps_it(helm, kubectl, namespace):
    helm.install("one", namespace, LEAN)
    kubectl.apply(pipeline("kept"))
    helm.upgrade("one", namespace, {**LEAN, "crds": {"install": False}})
    assert find(kubectl, "crd", CRD)
    assert find(kubectl, "pipelines", "kept")
    helm.uninstall("one", namespace)
    assert find(kubectl, "pipelines", "kept")


def test_a_release_that_is_to_take_the_crd_with_it_does(helm, kubectl, namespace):
    helm.install("one", namespace, {**LEAN, "crds": {"keep": False}})
    helm.uninstall("one", namespace, "--no-hooks")
    kubectl.run("wait", "--for=delete", f"crd/{CRD}", "--timeout=30s")


def test_an_older_crd_is_refused_with_the_way_out_and_then_taken_over(helm, kubectl, namespace):
    older_crd(kubectl)
    kubectl.apply(pipeline("kept"))
    with pytest.raises(HelmError, match="in another version") as refused:
        helm.install("one", namespace, LEAN)
    helm.install("two", namespace, {**LEAN, "crds": {"install": False}})
    assert "preprocessor" not in spec_fields(kubectl), "a release without the CRD has changed it"
    helm.uninstall("two", namespace)
    lines = [line.strip() for line in str(refused.value).splitlines()]
    commands = [line for line in lines if line.startswith("kubectl ")]
    assert len(commands) == 2
    for command in commands:
        kubectl.run(*command.split()[1:])
    helm.install("one", namespace, LEAN, *(["--force-conflicts"] if helm.major > 3 else []))
    assert owner(kubectl) == "one"
    assert "preprocessor" in spec_fields(kubectl)
    assert find(kubectl, "pipelines", "kept")


def test_the_crd_of_a_release_is_upgraded_with_it(helm, kubectl, namespace):
    helm.install("one", namespace, LEAN)
    columns = "/spec/versions/0/additionalPrinterColumns"
    patch = json.dumps([{"op": "remove", "path": columns}])
    kubectl.run("patch", "crd", CRD, "--type=json", "--field-manager=helm", "--patch", patch)
    assert "additionalPrinterColumns" not in kubectl.get("crd", CRD)["spec"]["versions"][0]
    helm.upgrade("one", namespace, LEAN, *(["--force-conflicts"] if helm.major > 3 else []))
    assert "additionalPrinterColumns" in kubectl.get("crd", CRD)["spec"]["versions"][0]


def older_crd(kubectl):
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
    kubectl.apply(document)
    await_crd(kubectl)


def spec_fields(kubectl):
    """Return the fields of a Pipeline's spec that the cluster knows."""
    schema = kubectl.get("crd", CRD)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return set(schema["properties"]["spec"]["properties"])
