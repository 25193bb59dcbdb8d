"""One server per module for tests that leave it alone; those that kill it start their own."""

import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from cygnet.transport.client import Client
from cygnet.transport.connection import close, connect
from cygnet.transport.names import Names
from cygnet.transport.streams import StreamSizes, ensure_streams
from cygnet.transport.values import Values
from fixtures.nats_server import NatsServer, nats_server

_numbers = itertools.count()


@pytest.fixture(scope="module")
def shared_server() -> Iterator[NatsServer]:
    with nats_server() as server:
        yield server


@pytest.fixture
def own_server() -> Iterator[NatsServer]:
    with nats_server() as server:
        yield server


@pytest.fixture
def names() -> Names:
    return Names("test", f"p{next(_numbers)}")


@pytest.fixture
def sizes() -> StreamSizes:
    return StreamSizes(
        frames_bytes=64 << 20, results_bytes=64 << 20, chunks_bytes=64 << 20, dead_bytes=16 << 20
    )


@pytest.fixture
async def nc(shared_server: NatsServer) -> AsyncIterator[Client]:
    client = await connect(shared_server.url, name="test")
    yield client
    await close(client)


@pytest.fixture
async def own_nc(own_server: NatsServer) -> AsyncIterator[Client]:
    client = await connect(own_server.url, name="test")
    yield client
    await close(client, timeout=1)


@pytest.fixture
async def pipeline(nc: Client, names: Names, sizes: StreamSizes) -> Names:
    await ensure_streams(nc, names, sizes, {"cygnet.owner": "tests"})
    return names


@pytest.fixture
async def own_pipeline(own_nc: Client, names: Names, sizes: StreamSizes) -> Names:
    await ensure_streams(own_nc, names, sizes, {"cygnet.owner": "tests"})
    return names


@pytest.fixture
def values(nc: Client, pipeline: Names) -> Values:
    return Values(nc, pipeline)
