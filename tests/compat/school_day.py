"""A school day: the running stack of one year, and a student's shell before it."""

import socket
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from compat.notebook import SOCKET_SECONDS, pynats, shell
from compat.school import School
from fixtures.running_up import RunningUp, running_up

PIPELINES = ("raw", "preprocessed")
Address = tuple[str, int]


@contextmanager
def hosts(names: Mapping[Address, Address]) -> Iterator[None]:
    """Let pynats find names where a line in /etc/hosts would put them, on the port that is free here."""

    class Socket(socket.socket):
        def connect(self, address: Address) -> None:
            super().connect(names.get(address, address))

    own = pynats.client.socket
    pynats.client.socket = types.SimpleNamespace(**{**vars(socket), "socket": Socket})
    try:
        yield
    finally:
        pynats.client.socket = own


@contextmanager
def listening(server: str, subject: str, callback: Callable[[Any], None]) -> Iterator[Any]:
    """Subscribe as the cells do: `with` connects, and then they connect again."""
    with (
        ExitStack() as left_open,  # pynats leaves the first socket, and both when the server hangs up
        pynats.NATSClient(server, socket_timeout=SOCKET_SECONDS) as client,
    ):
        _close_later(client, left_open)
        client.connect()
        _close_later(client, left_open)
        client.subscribe(subject=subject, callback=callback)
        yield client


def _close_later(client: Any, stack: ExitStack) -> None:
    for each in (client._socket, client._socket_file):
        stack.callback(each.close)


@dataclass(frozen=True, slots=True)
class Day:
    """What a student has: a notebook's names, and a stack that answers to them."""

    school: School
    up: RunningUp

    def listen(self, callback: Callable[[Any], None], subject: str = "") -> Any:
        """Subscribe at the server that the notebook names."""
        return listening(self.school.nats_server, subject or self.school.subject, callback)

    def hear(self, count: int, subject: str = "") -> list[Any]:
        """Return what a client hears that waits for `count` messages."""
        heard: list[Any] = []
        with self.listen(heard.append, subject) as client:
            client.wait(count=count)
        return heard


@contextmanager
def school_day(school: School, folder: Path) -> Iterator[Day]:
    """Run a year's example spec as it is, and be in its shell, for the length of a block."""
    with running_up(school.spec, data=folder / "data") as up:
        exports = up.exports("raw", "--user", school.user)
        for name in PIPELINES:
            up.until(lambda name=name: up.view(name).get("state") == "running", f"{name} runs")
        known, here = urlsplit(school.nats_server), urlsplit(exports["NATS_URL"])
        lines = {(str(known.hostname), known.port or 4222): (str(here.hostname), here.port or 4222)}
        with shell(exports, folder), hosts(lines):
            yield Day(school, up)
