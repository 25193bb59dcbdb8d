"""One nats-server and one S3 for all tests of the services; those that kill a server start their own."""

from collections.abc import Iterator

import pytest

from fixtures.nats_server import NatsServer, nats_server
from fixtures.s3_server import RcloneS3, rclone_s3


@pytest.fixture(scope="session")
def nats() -> Iterator[NatsServer]:
    with nats_server() as server:
        yield server


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RcloneS3]:
    with rclone_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server
