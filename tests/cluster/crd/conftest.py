"""One real API server for all tests of the CustomResourceDefinition."""

from collections.abc import Iterator

import pytest

from cluster.api_server import ApiServer, running_api_server
from cygnet.spec.crd import crd_yaml

CRD = "customresourcedefinition/pipelines.cygnet.dev"


def install(server: ApiServer, text: str) -> None:
    """Apply a CustomResourceDefinition and wait until it is served."""
    server.must("apply", "--server-side", "--force-conflicts", "--filename", "-", text=text)
    server.must("wait", "--for=condition=Established", CRD, "--timeout=30s")


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server that knows Pipelines."""
    with running_api_server(tmp_path_factory.mktemp("api-server")) as server:
        install(server, crd_yaml())
        yield server


@pytest.fixture
def namespace(api_server: ApiServer) -> str:
    return api_server.namespace()
