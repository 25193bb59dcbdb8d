"""What the chart makes of many values: a real API server takes it, and its pods under `restricted`."""

import json
import re
from typing import Any

import pytest
from charts.reference import CHART

from cluster.helm import HelmError, Values

SPACE = "chart-matrix"
CLASS = "demo-class"
DIGEST = "sha256:" + 64 * "a"
MONITORING = "monitoring.coreos.com/v1"
KINDS = tuple(f"{MONITORING}/{kind}" for kind in ("ServiceMonitor", "PodMonitor", "PrometheusRule"))
EMPTY_DIR = {"persistence": {"enabled": False}}
MATRIX: dict[str, Values] = {
    "defaults": {},
    "first-try": {"nats": EMPTY_DIR, "s3": {"enabled": True, **EMPTY_DIR}},
    "three-servers": {
        "nats": {
            "replicas": 3,
            "persistence": {"size": "100Gi", "storageClass": CLASS},
            "foreignSubjects": ["daq/data"],
        },
        "priorityClass": {"create": True},
    },
    "ones-own": {
        "nats": {
            "enabled": False,
            "url": "tls://nats.lab:4222",
            "existingSecret": "mine",
            "sharedUser": True,
        },
        "s3": {"endpoint": "https://s3.lab", "region": "eu-south-1", "existingSecret": "keys"},
        "priorityClass": {"name": "system-cluster-critical"},
    },
    "everyone-brings-their-own": {"nats": {"enabled": False}},
    "one-namespace": {
        "watchNamespaces": [SPACE],
        "crds": {"install": False},
        "rbac": {"aggregate": False},
    },
    "two-namespaces": {"watchNamespaces": ["default", SPACE]},
    "secured": {
        "admissionPolicies": {"enabled": True},
        "networkPolicies": {"from": [{"namespaceSelector": {"matchLabels": {"team": "lab"}}}]},
    },
    "open": {"networkPolicies": {"enabled": False}, "crds": {"keep": False}},
    "placed": {
        place: {
            "nodeSelector": {"kubernetes.io/os": "linux"},
            "tolerations": [{"key": "daq", "operator": "Exists", "effect": "NoSchedule"}],
            "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "4Gi"}},
        }
        for place in ("operator", "nats", "s3")
    }
    | {"images": {"registry": "host:5000/lab", "pullSecrets": ["pull"], "nats": {"digest": DIGEST}}},
    "monitored": {
        "monitoring": {
            "monitors": {"enabled": True, "labels": {"release": "prometheus"}},
            "rules": {"enabled": True, "labels": {"release": "prometheus"}},
            "dashboards": {"enabled": True},
        }
    },
    "extra": {
        "extraObjects": [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "{{ .Release.Name }}-extra", "namespace": "{{ .Release.Namespace }}"},
                "data": {"fullname": '{{ include "cygnet.fullname" . }}'},
            }
        ]
    },
}
CLUSTER_KINDS = ("ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "PriorityClass",
                 "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")  # fmt: skip


@pytest.fixture(scope="module")
def try_apply(cluster):
    """Applies objects without a trace, and says how many the API server took."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.kubectl.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE, "labels": labels}}
    )

    def apply(objects):
        spaces = {each["metadata"].get("namespace", SPACE) for each in objects}
        return sum(
            apply_in(space, [each for each in objects if each["metadata"].get("namespace", SPACE) == space])
            for space in spaces
        )

    def apply_in(space, objects):
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        options = ("--server-side", "--force-conflicts", "--validate=strict", "--dry-run=server")
        said = cluster.kubectl.within(space).run("apply", *options, "--filename=-", text=text)
        return said.count("(server dry run)")

    yield apply
    cluster.kubectl.delete("namespace", SPACE)


@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_both_helms_make_the_same_and_the_api_server_takes_it(values, helm3, helm4, try_apply):
    found = helm4.template("demo", SPACE, values)
    assert by_name(found) == by_name(helm3.template("demo", SPACE, values))
    assert len(by_name(found)) == len(found), "two objects of one name"
    objects = [each for each in found if each["kind"] != "Pod"]
    assert try_apply(objects) == len(objects)
    pods = [pod_of(each, SPACE) for each in found if pod_spec(each)]
    assert pods
    assert try_apply(pods) == len(pods)


@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_every_object_says_whose_it_is_and_every_image_comes_from_the_values(values, helm4):
    values = {**values, "images": {"registry": "host:5000", "tag": "x", **values.get("images", {})}}
    for each in helm4.template("demo", SPACE, values, *KINDS):
        labels = each["metadata"].get("labels", {})
        if "extra" not in each["metadata"]["name"]:
            assert labels["app.kubernetes.io/instance"] == "demo", each["metadata"]["name"]
            assert labels["app.kubernetes.io/component"], each["metadata"]["name"]
            assert labels["helm.sh/chart"].startswith("cygnet-"), each["metadata"]["name"]
        spec = pod_spec(each)
        for container in spec["containers"] if spec else []:
            assert container["image"].startswith("host:5000"), container["image"]
            assert container["resources"]["requests"]["cpu"]
            assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_every_object_is_of_a_stable_api(values, helm4):
    versions = {
        each["apiVersion"].rpartition("/")[2] for each in helm4.template("demo", SPACE, values, *KINDS)
    }
    assert versions == {"v1"}


def test_every_policy_is_for_pods_and_ports_that_there_are(helm4):
    found = helm4.template("demo", SPACE, {"s3": {"enabled": True}})
    pods = [each["spec"]["template"] for each in found if each["kind"] in ("Deployment", "StatefulSet")]
    policies = {each["metadata"]["name"]: each["spec"] for each in found if each["kind"] == "NetworkPolicy"}
    assert set(policies) == {"demo-cygnet-operator", "demo-cygnet-nats", "demo-cygnet-s3"}
    for name, policy in policies.items():
        labels = policy["podSelector"]["matchLabels"].items()
        [pod] = [each for each in pods if labels <= each["metadata"]["labels"].items()]
        assert pod["metadata"]["labels"]["app.kubernetes.io/component"] == name.rpartition("-")[2]
        containers = pod["spec"]["containers"]
        ports = {port["name"] for container in containers for port in container.get("ports", [])}
        opened = {port["port"] for rule in policy["ingress"] for port in rule["ports"]}
        assert opened <= ports


def test_only_operator_hook_and_test_have_a_token(helm4):
    values = {"s3": {"enabled": True}}
    with_token = set()
    for each in helm4.template("demo", SPACE, values):
        spec = pod_spec(each)
        if spec and spec.get("automountServiceAccountToken", True):
            with_token.add(each["metadata"]["labels"]["app.kubernetes.io/component"])
    assert with_token == {"operator", "uninstall", "test"}


def test_an_installation_of_one_namespace_makes_roles_only(helm4):
    found = helm4.template("demo", SPACE, MATRIX["one-namespace"])
    assert not [each["kind"] for each in found if each["kind"] in CLUSTER_KINDS]
    roles = [
        each for each in found if each["kind"] == "Role" and each["metadata"]["name"].endswith("operator")
    ]
    assert [role["metadata"]["namespace"] for role in roles] == [SPACE]


def test_monitors_and_rules_are_made_only_where_the_cluster_has_their_kinds(helm):
    values = MATRIX["monitored"]
    without = {each["kind"] for each in helm.template("demo", SPACE, values)}
    made = {each["kind"]: each for each in helm.template("demo", SPACE, values, *KINDS)}
    assert set(made) - without == {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
    for kind in set(made) - without:
        assert made[kind]["metadata"]["labels"]["release"] == "prometheus"
    assert made["ServiceMonitor"]["spec"]["endpoints"][0]["honorLabels"]
    alerts = [rule for group in made["PrometheusRule"]["spec"]["groups"] for rule in group["rules"]]
    assert any("{{ $labels" in json.dumps(rule) for rule in alerts)


def test_every_dashboard_is_a_labelled_config_map_that_fits(helm4):
    found = helm4.template("demo", SPACE, MATRIX["monitored"])
    boards = [each for each in found if each["metadata"]["labels"].get("grafana_dashboard") == "1"]
    assert len(boards) == len(list((CHART / "dashboards").glob("*.json")))
    for board in boards:
        [(name, text)] = board["data"].items()
        assert json.loads(text) == json.loads((CHART / "dashboards" / name).read_text())
        assert len(json.dumps(board)) < 900 << 10


def test_a_digest_wins_over_a_tag(helm):
    found = helm.template("demo", SPACE, {"images": {"tag": "x", "nats": {"digest": DIGEST}}})
    [nats] = [each for each in found if each["kind"] == "StatefulSet"]
    assert pod_spec(nats)["containers"][0]["image"] == f"cygnet/nats@{DIGEST}"


def test_a_new_version_of_the_chart_alone_rolls_no_pod(helm4):
    for each in helm4.template("demo", SPACE, {"s3": {"enabled": True}}):
        if each["kind"] in ("Deployment", "StatefulSet"):
            metadata = json.dumps(each["spec"]["template"]["metadata"])
            assert "helm.sh/chart" not in metadata
            assert "app.kubernetes.io/version" not in metadata


@pytest.mark.parametrize("enabled", [True, False])
def test_an_upgrade_never_replaces_a_pod_whose_data_would_go_with_it(helm4, enabled):
    values = {name: {"enabled": True, "persistence": {"enabled": enabled}} for name in ("nats", "s3")}
    sets = [each for each in helm4.template("demo", "d", values) if each["kind"] == "StatefulSet"]
    assert len(sets) == 2
    for each in sets:
        assert ("volumeClaimTemplates" in each["spec"]) == enabled
        assert (each["spec"].get("updateStrategy") == {"type": "OnDelete"}) != enabled


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"nats": {"replcas": 3}}, "replcas"),
        ({"natz": {}}, "natz"),
        ({"operator": {"resources": {"limits": {"memmory": "1Gi"}}}}, "memmory"),
        ({"images": {"operator": {"tga": "x"}}}, "tga"),
        ({"monitoring": {"rules": {"enable": True}}}, "enable"),
        ({"nats": {"replicas": "3"}}, "replicas"),
        ({"nats": {"replicas": 2}}, "replicas"),
        ({"watchNamespaces": "lab"}, "watchNamespaces"),
        ({"crds": {"keep": "yes"}}, "keep"),
        ({"operator": {"logLevel": "loud"}}, "logLevel"),
        ({"nats": {"persistence": {"size": "10G"}}}, "size"),
        ({"nats": {"foreignSubjects": ["daq.>"]}}, "foreignSubjects"),
        ({"nats": {"foreignSubjects": ["cygnet.a"]}}, "foreignSubjects"),
        ({"nats": {"enabled": False, "url": "http://nats"}}, "url"),
        ({"nats": {"enabled": False, "url": "nats://me:secret@nats:4222"}}, "url"),
        ({"nats": {"url": "nats://nats:4222"}}, "nats.url"),
        ({"nats": {"sharedUser": True}}, "nats.sharedUser"),
        ({"nats": {"enabled": False, "url": "nats://n:4222", "sharedUser": True}}, "nats.existingSecret"),
        ({"s3": {"endpoint": "https://s3"}}, "s3.existingSecret"),
        ({"s3": {"enabled": True, "endpoint": "https://s3"}}, "s3.endpoint"),
        ({"priorityClass": {"create": True, "name": "high"}}, "priorityClass.name"),
        ({"images": {"nats": {"digest": "sha256:1"}}}, "digest"),
    ],
    ids=str,
)
def test_a_wrong_value_is_refused_by_its_name(helm, values, told):
    with pytest.raises(HelmError, match=re.escape(told)):
        helm.template("demo", SPACE, values)


def by_name(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the objects by kind and name; what is random in Secrets, left out."""
    found = {}
    for each in objects:
        if each["kind"] == "Secret":
            each = {**each, "data": sorted(each["data"])}
        found[f"{each['kind']}/{each['metadata'].get('namespace', '')}/{each['metadata']['name']}"] = each
    return found


def pod_spec(document: dict[str, Any]) -> dict[str, Any] | None:
    """Return the spec of the pods that an object is, or makes."""
    spec = document.get("spec", {})
    if document["kind"] == "Pod":
        return spec
    if document["kind"] in ("Deployment", "StatefulSet", "Job"):
        found: dict[str, Any] = spec["template"]["spec"]
        return found
    return None


def pod_of(document: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Return a pod as the object's controller makes it, but of the account that every namespace has."""
    spec = {**(pod_spec(document) or {}), "serviceAccountName": "default"}
    spec.pop("priorityClassName", None)  # one of the same release
    for claim in document.get("spec", {}).get("volumeClaimTemplates", []):
        name = claim["metadata"]["name"]
        volume = {"name": name, "persistentVolumeClaim": {"claimName": f"{name}-0"}}
        spec["volumes"] = [*spec["volumes"], volume]
    metadata = {"name": document["metadata"]["name"], "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
