import json
from types import SimpleNamespace

import pytest

from cygnet.transport.server_storage import ServerStorage, server_name, server_storage


class Nats:
    def __init__(self, answer):
        self.answer = answer

    async def request(self, subject, body, timeout):
        assert subject == "$JS.API.INFO"
        return SimpleNamespace(data=json.dumps(self.answer).encode())


@pytest.mark.parametrize(
    ("answer", "limit"),
    [
        ({"storage": 7, "limits": {"max_storage": -1}}, -1),
        ({"storage": 7, "limits": {"max_storage": 100}}, 100),
        (
            {"storage": 7, "limits": {}, "tiers": {r: {"limits": {"max_storage": 50}} for r in ("R1", "R3")}},
            100,
        ),
    ],
)
async def test_the_limit_is_that_of_the_account(answer, limit):
    assert await server_storage(Nats(answer)) == ServerStorage(7, limit)


def test_a_server_is_named_without_its_password():
    assert server_name("nats://me:secret@a:4222,tls://b:4222/") == "a:4222,b:4222"
