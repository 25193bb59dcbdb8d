"""A real API server with its etcd and nothing else: up in seconds, without nodes, controllers or root.

The programs are those that the test cluster is made of.
"""

import json
import os
import secrets
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_UNVERIFIED = ssl._create_unverified_context()  # the server signs its certificate itself

_CACHE = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
PROGRAMS = Path(os.environ.get("CLUSTER_CACHE") or Path(_CACHE) / "cygnet-cluster") / "bin"
_START_SECONDS = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """What kubectl printed, and whether it succeeded."""

    is_ok: bool
    output: str
    errors: str


@dataclass(slots=True)
class ApiServer:
    """A server that is ready, as its administrator."""

    kubeconfig: Path
    folder: Path
    url: str
    token: str
    _count: int = field(default=0)

    def kubectl(self, *arguments: str, text: str | None = None) -> Answer:
        """Run kubectl with `text` as its input."""
        done = subprocess.run(
            [PROGRAMS / "kubectl", *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "KUBECONFIG": str(self.kubeconfig)},
        )
        return Answer(done.returncode == 0, done.stdout, done.stderr)

    def must(self, *arguments: str, text: str | None = None) -> str:
        """Return what kubectl printed; an error of it fails the test."""
        answer = self.kubectl(*arguments, text=text)
        assert answer.is_ok, answer.errors
        return answer.output

    def get(self, *arguments: str) -> Any:
        """Return an object as it is stored."""
        return json.loads(self.must("get", *arguments, "--output", "json"))

    def install(self, definition: str) -> None:
        """Apply the CustomResourceDefinition of Pipelines and wait until it is served."""
        self.must("apply", "--server-side", "--force-conflicts", "--filename", "-", text=definition)
        crd = "customresourcedefinition/pipelines.cygnet.dev"
        self.must("wait", "--for=condition=Established", crd, "--timeout=30s")

    def try_apply(self, text: str, *, server_side: bool) -> Answer:
        """Have a Pipeline in `default` checked as `kubectl apply` would, strictly, and nothing stored.

        kubectl does the same in half a second: it sends the text to these two places.
        """
        path = f"{self.url}/apis/cygnet.dev/v1alpha1/namespaces/default/pipelines"
        query = "dryRun=All&fieldValidation=Strict&fieldManager=test"
        name = yaml.safe_load(text)["metadata"]["name"]
        request = urllib.request.Request(
            f"{path}/{name}?{query}" if server_side else f"{path}?{query}",
            data=text.encode(),
            method="PATCH" if server_side else "POST",
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/apply-patch+yaml" if server_side else "application/yaml",
            },
        )
        try:
            with urllib.request.urlopen(request, context=_UNVERIFIED, timeout=30) as response:
                return Answer(True, response.read().decode(), "")
        except urllib.error.HTTPError as error:
            return Answer(False, "", json.loads(error.read())["message"])

    def namespace(self) -> str:
        """Make a namespace that nobody else has, and return its name."""
        self._count += 1
        name = f"crd-{os.getpid()}-{self._count}"
        self.must("create", "namespace", name)
        return name


@contextmanager
def running_api_server(folder: Path) -> Iterator[ApiServer]:
    """Start etcd and the API server with everything they write in `folder`; stop them at the end."""
    etcd_port, peer_port, port = _free_ports(3)
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    (folder / "sa.key").write_bytes(_private_key())
    url = f"https://127.0.0.1:{port}"
    server = ApiServer(_kubeconfig(folder, url, token), folder, url, token)
    etcd_url, peer_url = f"http://127.0.0.1:{etcd_port}", f"http://127.0.0.1:{peer_port}"
    etcd = [
        *("etcd", "--data-dir", f"{folder}/etcd", "--unsafe-no-fsync", "--log-level", "warn"),
        *("--listen-client-urls", etcd_url, "--advertise-client-urls", etcd_url),
        *("--listen-peer-urls", peer_url, "--initial-advertise-peer-urls", peer_url),
        *("--initial-cluster", f"default={peer_url}"),
    ]
    api = [
        *("kube-apiserver", "--etcd-servers", etcd_url, "--cert-dir", f"{folder}/certificates"),
        *("--bind-address", "127.0.0.1", "--secure-port", str(port)),
        *("--token-auth-file", f"{folder}/tokens.csv", "--authorization-mode", "RBAC"),
        *("--service-account-issuer", "https://kubernetes.default.svc"),
        *("--service-account-key-file", f"{folder}/sa.key"),
        *("--service-account-signing-key-file", f"{folder}/sa.key"),
        *("--service-cluster-ip-range", "10.0.0.0/24", "--disable-admission-plugins", "ServiceAccount"),
    ]
    with _process(etcd, folder), _process(api, folder) as process:
        deadline = time.monotonic() + _START_SECONDS
        while not server.kubectl("get", "namespace", "default").is_ok:
            late = time.monotonic() > deadline or process.poll() is not None
            assert not late, (folder / "kube-apiserver.log").read_text()[-4000:]
            time.sleep(0.1)
        yield server


@contextmanager
def _process(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    program = PROGRAMS / command[0]
    assert program.exists(), f"{program} is not there: start the test cluster once, which builds it"
    with (folder / f"{command[0]}.log").open("wb") as log:
        process = subprocess.Popen([program, *command[1:]], stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _private_key() -> bytes:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _kubeconfig(folder: Path, url: str, token: str) -> Path:
    cluster = {"server": url, "insecure-skip-tls-verify": True}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "current-context": "test",
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(document))
    return path
