"""A release of the chart, the namespace of its Pipelines, and ways to look into its NATS and its S3."""

import asyncio
import base64
import os
import re
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cluster.clusters import Cluster
from cluster.helm import Helm
from cluster.kubectl import Kubectl, until
from cygnet.model.ledger import Ledger, fold, ledger, total
from cygnet.storage.settings import S3Settings
from cygnet.transport.account import read_account
from cygnet.transport.client import Client
from cygnet.transport.connection import close, connect
from cygnet.transport.errors import TransportError
from cygnet.transport.names import Names
from cygnet.transport.runs import RUN, run_state
from cygnet.transport.streams import stream_state
from cygnet.transport.values import Values

T = TypeVar("T")
RELEASE = "cygnet"
ROLES = ("operator", "simulator", "preprocessor", "aggregator", "uploader", "nats", "s3")
QUEUES = ("frames", "results", "chunks", "notices")


@dataclass(frozen=True, slots=True)
class Books:
    """What NATS knows of a Pipeline: a line of the ledger and a state for each run, and what waits where."""

    lines: Mapping[str, Ledger]
    states: Mapping[str, str]
    waiting: Mapping[str, int]

    @property
    def is_complete(self) -> bool:
        """Whether every run has ended and is stored as a whole."""
        return bool(self.lines) and set(self.states.values()) == {"complete"}

    @property
    def stored(self) -> int:
        """Events of all runs that are stored."""
        return sum(line.stored for line in self.lines.values())


@dataclass(slots=True)
class Installation:
    """A release whose Pipelines live in a namespace of their own."""

    cluster: Cluster
    helm: Helm
    home: Kubectl
    """In the release's namespace."""
    pipelines: Kubectl
    """In the Pipelines' namespace."""
    values: dict[str, Any] = field(default_factory=dict)
    release: str = RELEASE
    servers: "Installation | None" = None
    """Whose NATS and S3 it uses; None: its own."""

    def install(self) -> str:
        """Install the release, wait until its pods are ready, and return what helm printed."""
        return self.helm.install(self.release, self.home.namespace, self.values, "--wait", "--timeout", "5m")

    def apply(self, *documents: dict[str, Any]) -> None:
        """Apply Pipelines as a person does."""
        self.pipelines.apply(*documents, manager="person")

    def pipeline(self, name: str) -> dict[str, Any]:
        """Return a Pipeline as the API server has it."""
        found: dict[str, Any] = self.pipelines.get("pipeline", name)
        return found

    def says(self, name: str, kind: str, status: str = "True", seconds: float = 60) -> dict[str, Any]:
        """Wait until a condition of the present spec has a status, and return it."""

        def look() -> dict[str, Any] | None:
            there = self.pipeline(name)
            told = there.get("status", {}).get("conditions", [])
            found: dict[str, Any] = next((each for each in told if each["type"] == kind), {})
            is_new = found.get("observedGeneration") == there["metadata"]["generation"]
            return found if is_new and found["status"] == status else None

        return until(f"{kind}={status} of {name}", look, seconds)

    def wants(self, name: str, lifecycle: str) -> None:
        """Change what a Pipeline is to do."""
        patch = f'{{"spec": {{"lifecycle": "{lifecycle}"}}}}'
        self.pipelines.run("patch", "pipeline", name, "--type=merge", f"--patch={patch}")

    def pods(self, name: str, component: str) -> list[dict[str, Any]]:
        """Return the pods of a role that are not on their way out."""
        selector = f"app.kubernetes.io/instance={name},app.kubernetes.io/component={component}"
        found = self.pipelines.items("pods", f"--selector={selector}")
        return [each for each in found if "deletionTimestamp" not in each["metadata"]]

    def secret(self, name: str) -> dict[str, str]:
        """Return a Secret of the release."""
        data = self.home.get("secret", name)["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    @contextmanager
    def forwarded(self, target: str, port: int) -> Iterator[int]:
        """Give a port of this machine that leads to one in the release's namespace."""
        command = [str(self.home.program), f"--namespace={self.home.namespace}", "port-forward", target]
        process = subprocess.Popen(
            [*command, f":{port}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "KUBECONFIG": str(self.home.kubeconfig)},
        )
        with process:
            try:
                said = process.stdout.readline() if process.stdout else ""
                found = re.match(r"Forwarding from 127\.0\.0\.1:(\d+)", said)
                if not found:
                    raise OSError(f"{target}:{port} cannot be forwarded: {said.strip() or 'no answer'}")
                yield int(found[1])
            finally:
                process.terminate()

    def ask(self, question: Callable[[Client], Awaitable[T]]) -> T:
        """Return what a question to NATS gives. Raises OSError where NATS cannot be had, or not be asked."""
        if self.servers:
            return self.servers.ask(question)
        user = self.secret(f"{RELEASE}-nats")

        async def asked(port: int) -> T:
            url = f"nats://127.0.0.1:{port}"
            nc = await connect(url, name="test", user=user["admin-username"], password=user["admin-password"])
            try:
                return await question(nc)
            finally:
                await close(nc)

        with self.forwarded(f"service/{RELEASE}-nats", 4222) as port:
            try:
                return asyncio.run(asked(port))
            except TransportError as error:
                raise OSError(str(error)) from error

    def books(self, name: str) -> Books:
        """Return what NATS knows of a Pipeline now."""
        names = Names(self.pipelines.namespace, name)

        async def read(nc: Client) -> Books:
            values = Values(nc, names)
            runs = [key.removeprefix(RUN) for key in await values.keys(RUN)]
            lines, states = {}, {}
            for run in runs:
                records = [record for _, record in await read_account(nc, names, run)]
                lines[run] = total(ledger(fold(run, records)), run)
                states[run] = await run_state(values, run) or ""
            waiting = {queue: (await stream_state(nc, getattr(names, queue))).messages for queue in QUEUES}
            return Books(lines, states, waiting)

        return self.ask(read)

    def until_complete(self, name: str, seconds: float) -> Books:
        """Wait until every run of a Pipeline is stored as a whole; return its books, which all close."""

        def look() -> Books | None:
            found = self.books(name)
            return found if found.is_complete else None

        books = until(f"all runs of {name} are complete", look, seconds, every=2.0)
        assert not [line.equation() for line in books.lines.values() if not line.closes]
        return books

    @contextmanager
    def bucket(self, name: str) -> Iterator[S3Settings]:
        """Give the way to a bucket of the release's S3."""
        keys = self.secret(f"{RELEASE}-s3")
        with self.forwarded(f"service/{RELEASE}-s3", 9000) as port:
            yield S3Settings(
                endpoint=f"http://127.0.0.1:{port}",
                bucket=name,
                access_key_id=keys["AWS_ACCESS_KEY_ID"],
                secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
                stall_seconds=30.0,
            )


def image_values(images: Callable[[str], str]) -> dict[str, Any]:
    """Return the chart's values for the images under test."""
    parts = {role: images(role).rpartition(":") for role in ROLES}
    registry = parts["nats"][0].partition("/cygnet/nats")[0]
    named = {role: {"repository": f"cygnet/{role}", "tag": tag} for role, (_, _, tag) in parts.items()}
    return {"registry": "" if registry == "cygnet/nats" else registry, **named}
