"""Services in their images: they start on NATS and S3, without a shell, and say what they lack."""

from collections.abc import Callable
from typing import Any

import pytest

from cluster.kubectl import Kubectl
from cluster.pods import config_map, exit_code, pod, service, wait_for_log

ROLES = ("simulator", "preprocessor", "aggregator", "uploader")
SPEC = """
apiVersion: cygnet.dev/v1alpha1
kind: Pipeline
metadata: {name: small}
spec:
  sources:
    - name: lime
      simulator: {model: cygno, rateHz: 1, eventsPerRun: 5}
  preprocessor: {stages: [{crop: {halfWindow: 64}}]}
  uploader: {bucket: small, prefix: lime}
"""
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "a-secret-of-tests"}
WHERE = {"NATS_URL": "nats://nats:4222", "AWS_ENDPOINT_URL": "http://s3:9000", **KEYS}
SHELLS = ("/usr/bin/dash", "/usr/bin/bash")


@pytest.fixture
def servers(images: Callable[[str], str], kubectl: Kubectl) -> Kubectl:
    """NATS and S3 that are ready, and the spec as a ConfigMap."""
    kubectl.apply(
        config_map("small-spec", pipeline_yaml=SPEC),
        config_map("no-shell", shell=""),
        pod("nats", images("nats"), args=["--jetstream", "--store_dir=/tmp"]),
        service("nats", 4222),
        pod(
            "s3",
            images("s3"),
            args=["serve", "s3", "--addr=:9000", f"--auth-key={','.join(KEYS.values())}", "/tmp"],
        ),
        service("s3", 9000),
    )
    wait_for_log(kubectl, "nats", "Server is ready")
    wait_for_log(kubectl, "s3", "Starting s3 server")
    return kubectl


def role_pod(role: str, image: str, environment: dict[str, str]) -> dict[str, Any]:
    """Return a pod of a role with the image's own entry, every shell covered by a file that can't be run."""
    return pod(
        role,
        image,
        env=[{"name": name, "value": value} for name, value in environment.items()],
        volumeMounts=[
            {"name": "spec", "mountPath": "/etc/cygnet"},
            *({"name": "no-shell", "mountPath": shell, "subPath": "shell"} for shell in SHELLS),
        ],
        volumes=[
            {"name": "spec", "configMap": {"name": "small-spec"}},
            {"name": "no-shell", "configMap": {"name": "no-shell", "defaultMode": 0o444}},
        ],
        readinessProbe={"httpGet": {"path": "/readyz", "port": 9090}, "periodSeconds": 1},
    )


def test_services_run_a_pipeline_in_their_images_without_a_shell(
    images: Callable[[str], str], servers: Kubectl
) -> None:
    servers.apply(*(role_pod(role, images(role), WHERE) for role in ROLES))
    for role in ROLES:
        servers.run("wait", "--for=condition=Ready", f"pod/{role}", "--timeout=240s", seconds=300)
    wait_for_log(servers, "uploader", "stored", seconds=240)


@pytest.mark.parametrize("role", ROLES)
def test_service_without_nats_url_says_so_and_ends(
    role: str, images: Callable[[str], str], kubectl: Kubectl
) -> None:
    kubectl.apply(config_map("small-spec", pipeline_yaml=SPEC), config_map("no-shell", shell=""))
    kubectl.apply(role_pod(role, images(role), KEYS))
    assert exit_code(kubectl, role) == 2
    assert f"cygnet {role}: NATS_URL is not set; accepted: nats://" in kubectl.run("logs", role)


def test_service_without_spec_names_the_file(images: Callable[[str], str], kubectl: Kubectl) -> None:
    kubectl.apply(pod("uploader", images("uploader")))
    assert exit_code(kubectl, "uploader") == 2
    assert "/etc/cygnet/pipeline.yaml" in kubectl.run("logs", "uploader")
