"""The protocol is read the same in pieces of any size, and headers cannot smuggle."""

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.transport.wire import (
    Parser,
    ProtocolViolationError,
    encode_headers,
    parse_headers,
    status_of,
)

RAW, ORDINARY = 7, 8
Message = tuple[bytes, bytes, bytes, bytes]


class Sink:
    """Takes what a parser finds, as the client does."""

    def __init__(self) -> None:
        self.raw: list[Message] = []
        self.ordinary: list[Message] = []
        self.control: list[object] = []
        self.raw_handlers = {RAW: lambda *message: self.raw.append(message)}

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: Any) -> None:
        assert sid == ORDINARY
        self.ordinary.append((subject, reply, headers, data))

    async def _process_err(self, err_msg: str) -> None:
        self.control.append(err_msg)

    async def _process_ping(self) -> None:
        self.control.append("ping")

    async def _process_pong(self) -> None:
        self.control.append("pong")

    async def _process_info(self, info: dict[str, Any]) -> None:
        self.control.append(info)


def on_wire(sid: int, message: Message) -> bytes:
    subject, reply, header, payload = message
    between = b" %b" % reply if reply else b""
    if header:
        sizes = b"%d %d" % (len(header), len(header) + len(payload))
        return b"HMSG %b %d%b %b\r\n%b%b\r\n" % (subject, sid, between, sizes, header, payload)
    return b"MSG %b %d%b %d\r\n%b\r\n" % (subject, sid, between, len(payload), payload)


HEADERS = st.dictionaries(st.from_regex(r"[A-Za-z-]{1,9}", fullmatch=True), st.text(max_size=9), max_size=3)
MESSAGES = st.tuples(
    st.sampled_from([b"a", b"a.b.c"]),
    st.sampled_from([b"", b"$JS.ACK.x"]),
    st.just(b"") | HEADERS.map(encode_headers),
    st.binary(max_size=60) | st.just(b"\r\nMSG a 7 0\r\n\r\n"),
)


@given(st.lists(st.tuples(st.sampled_from([RAW, ORDINARY]), MESSAGES), max_size=8), st.data())
def test_messages_are_read_the_same_in_pieces_of_any_size(
    messages: list[tuple[int, Message]], data: st.DataObject
) -> None:
    stream = b'INFO {"x":1}\r\n+OK\r\n' + b"".join(
        on_wire(sid, message) + b"PING\r\nPONG\r\n" for sid, message in messages
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    sink = Sink()
    parser = Parser(sink, lambda info: {"raw": info})

    async def feed() -> None:
        for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            await parser.parse(stream[begin:end])

    asyncio.run(feed())
    assert sink.raw == [message for sid, message in messages if sid == RAW]
    want = [(s, r, h or None, p) for sid, (s, r, h, p) in messages if sid == ORDINARY]
    assert [(s, r, h or None, p) for s, r, h, p in sink.ordinary] == want
    assert sink.control == [{"raw": b'{"x":1}'}, *["ping", "pong"] * len(messages)]


@pytest.mark.parametrize("line", [b"MSG\r\n", b"MSG a b c\r\n", b"HTTP/1.1 200\r\n", b"x" * 2_000_000])
async def test_what_is_not_nats_is_said_instead_of_waiting_for_ever(line: bytes) -> None:
    with pytest.raises(ProtocolViolationError):
        await Parser(Sink(), lambda _: {}).parse(line)


async def test_an_error_of_the_server_is_told_and_what_follows_a_reset_is_dropped() -> None:
    sink = Sink()
    parser = Parser(sink, lambda _: {})
    await parser.parse(b"-ERR 'Stale Connection'\r\n")
    assert sink.control == ["'stale connection'"]
    await parser.parse(b"MSG a 7 100\r\nhalf")
    parser.reset()
    await parser.parse(on_wire(RAW, (b"a", b"", b"", b"new")))
    assert sink.raw == [(b"a", b"", b"", b"new")]


@given(st.dictionaries(st.from_regex(r"[A-Za-z-]{1,9}", fullmatch=True), st.text(), max_size=5))
def test_no_header_value_can_add_a_header(headers: dict[str, str]) -> None:
    back = parse_headers(encode_headers(headers))
    assert back.keys() == headers.keys()


def test_statuses_are_told_from_headers() -> None:
    assert status_of(b"NATS/1.0 409 Consumer Deleted\r\n\r\n") == (409, "Consumer Deleted")
    assert status_of(b"NATS/1.0 503\r\n\r\n") == (503, "")
    assert status_of(b"NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 1\r\n\r\n") == (
        100,
        "Idle Heartbeat",
    )
    assert status_of(b"NATS/1.0\r\nA: b\r\n\r\n") is None
    assert status_of(b"") is None


def test_stream_administration_loads_neither_numpy_nor_the_model() -> None:
    code = """
import sys, cygnet.transport.streams, cygnet.transport.connection
roots = {name.partition(".")[0] for name in sys.modules}
bad = roots & {"numpy", "msgspec"} | {name for name in sys.modules if name.startswith("cygnet.model")}
sys.exit(repr(bad) if bad else 0)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
