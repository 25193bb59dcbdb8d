"""The gate before S3 says of clients that go away what a real S3 says of them: nothing."""

import asyncio
import logging
from urllib.parse import urlsplit

from fixtures.s3_gate import ACCESS_DENIED, Gate, on

PUT = b"PUT /b/k HTTP/1.1\r\nHost: s3\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
CLIENTS = 50


class Nobody:
    """A server that nothing is to reach."""

    endpoint = "http://127.0.0.1:1"


async def ask_and_go(gate):
    address = urlsplit(gate.endpoint)
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(PUT)
    writer.transport.abort()


async def test_a_client_that_goes_away_before_its_body_is_asked_for_is_no_error(caplog):
    caplog.set_level(logging.ERROR)
    async with Gate(Nobody()).opened() as gate:
        gate.fault = on(ACCESS_DENIED)
        await asyncio.gather(*(ask_and_go(gate) for _ in range(CLIENTS)))
        await asyncio.sleep(0.2)
        assert [record.getMessage() for record in caplog.records] == []
