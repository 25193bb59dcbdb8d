"""One real API server for all tests of the CustomResourceDefinition."""

from collections.abc import Iterator

import pytest

from cluster.api_server import ApiServer, running_api_server
from cygnet.spec.crd import crd_yaml


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server that knows Pipelines."""
    with running_api_server(tmp_path_factory.mktemp("api-server")) as server:
        server.install(crd_yaml())
        yield server


@pytest.fixture
def namespace(api_server: ApiServer) -> str:
    return api_server.namespace()
