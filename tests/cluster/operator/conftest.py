"""An API server, a NATS and the operator between them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster.api_server import ApiServer, running_api_server
from cluster.operator.operator_process import OperatorProcess, give_rights, kubeconfig
from cluster.operator.proxy import Proxy
from cluster.operator.world import CRD, World
from cygnet.spec.crd import crd_yaml
from fixtures.nats_server import NatsServer, nats_server


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server that knows Pipelines; it has neither controllers nor nodes."""
    with running_api_server(tmp_path_factory.mktemp("api-server")) as server:
        server.must("apply", "--server-side", "--filename", "-", text=crd_yaml())
        server.must("wait", "--for=condition=Established", CRD, "--timeout=30s")
        yield server


@pytest.fixture(scope="session")
def nats() -> Iterator[NatsServer]:
    with nats_server() as server:
        yield server


@pytest.fixture
def namespace(api_server: ApiServer) -> str:
    return api_server.namespace()


@pytest.fixture
def make_world(nats: NatsServer, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes an operator, that sees one namespace or all, beside an API server."""
    made: list[World] = []

    def make(server: ApiServer, namespace: str, *, everywhere: bool = False) -> World:
        address = json.loads(server.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        proxy = Proxy(address)
        proxy.restore()
        give_rights(server, namespace)
        access = kubeconfig(server, namespace, proxy.url, tmp_path / f"kubeconfig-{len(made)}")
        operator = OperatorProcess(tmp_path, access, nats.url, "" if everywhere else namespace)
        made.append(World(server, nats, proxy, operator))
        return made[-1]

    yield make
    for world in made:
        world.operator.kill()
        world.proxy.cut()
    if nats.process is None:  # a test that took it away has failed
        nats.start()


@pytest.fixture
def world(api_server: ApiServer, namespace: str, make_world: Callable[..., World]) -> World:
    """An operator that runs and sees one namespace."""
    made = make_world(api_server, namespace)
    made.operator.start()
    return made
