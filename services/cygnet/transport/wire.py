"""The NATS protocol read fast: one pass over each chunk of bytes, one copy of each payload."""

from collections.abc import Callable
from typing import Any, Protocol

RawHandler = Callable[[bytes, bytes, bytes, bytes], None]
"""Takes (subject, reply, header block, payload); absent reply and header are empty."""

MAX_CONTROL_LINE = 1 << 20  # INFO of a large cluster is long

_M, _H, _P, _PLUS, _MINUS, _I = b"MHP+-I"


class Sink(Protocol):
    """Where parsed protocol goes: the part of nats-py's client that its own parser calls."""

    raw_handlers: dict[int, RawHandler]

    async def _process_msg(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: Any
    ) -> None: ...

    async def _process_err(self, err_msg: str) -> None: ...

    async def _process_ping(self) -> None: ...

    async def _process_pong(self) -> None: ...

    async def _process_info(self, info: dict[str, Any]) -> None: ...


class ProtocolViolationError(Exception):
    """The server sent what is not NATS: the connection must be made anew."""


class Parser:
    """Takes the place of nats-py's parser: messages of raw subscriptions go straight to their handler."""

    def __init__(self, sink: Sink, decode_info: Callable[[bytes], dict[str, Any]]) -> None:
        self._sink = sink
        self._decode_info = decode_info
        self.reset()

    def reset(self) -> None:
        """Forget what is incomplete: a new connection begins."""
        self._rest = b""
        self._parts: list[bytes | memoryview] = []
        self._missing = 0
        self._fields: list[bytes] = []
        self._generation = getattr(self, "_generation", 0) + 1

    async def parse(self, data: bytes = b"") -> None:
        """Take the next bytes of the stream, in pieces of any size."""
        generation = self._generation
        start = 0
        if self._missing:
            if len(data) < self._missing:
                self._parts.append(data)
                self._missing -= len(data)
                return
            start = self._missing
            self._parts.append(memoryview(data)[:start])
            fields, parts = self._fields, self._parts
            self._parts, self._missing = [], 0
            await self._deliver(fields, *_assembled(fields, parts))
        elif self._rest:
            data, self._rest = self._rest + data, b""
        await self._lines(data, start, generation)

    async def _lines(self, data: bytes, position: int, generation: int) -> None:
        end = len(data)
        handlers = self._sink.raw_handlers
        while position < end and generation == self._generation:
            line_end = data.find(b"\r\n", position)
            if line_end < 0:
                if end - position > MAX_CONTROL_LINE:
                    raise ProtocolViolationError("control line without end")
                self._rest = data[position:]
                return
            first = data[position]
            if first in {_M, _H}:
                fields = data[position:line_end].split()
                body = line_end + 2
                try:
                    after = body + int(fields[-1]) + 2
                    sid = int(fields[2])
                except (ValueError, IndexError) as error:
                    raise ProtocolViolationError(repr(data[position : position + 80])) from error
                if after > end:
                    self._fields = fields
                    self._parts = [memoryview(data)[body:]]
                    self._missing = after - end
                    return
                middle = body + int(fields[-2]) if first == _H else body
                handler = handlers.get(sid)
                if handler is not None:
                    reply = fields[3] if len(fields) == (6 if first == _H else 5) else b""
                    handler(fields[1], reply, data[body:middle], data[middle : after - 2])
                else:
                    await self._deliver(fields, data[body:middle], data[middle : after - 2])
                position = after
            else:
                await self._control(first, data[position:line_end])
                position = line_end + 2

    async def _deliver(self, fields: list[bytes], header: bytes, payload: bytes) -> None:
        sid = int(fields[2])
        reply = fields[3] if len(fields) == (6 if fields[0] == b"HMSG" else 5) else b""
        handler = self._sink.raw_handlers.get(sid)
        if handler is not None:
            handler(fields[1], reply, header, payload)
        else:
            await self._sink._process_msg(sid, fields[1], reply, payload, header)

    async def _control(self, first: int, line: bytes) -> None:
        if first == _P:
            if line.startswith(b"PING"):
                await self._sink._process_ping()
                return
            if line.startswith(b"PONG"):
                await self._sink._process_pong()
                return
        elif first == _PLUS:
            return
        elif first == _MINUS:
            await self._sink._process_err(line[5:].decode("utf-8", "replace").lower())
            return
        elif first == _I and line.startswith(b"INFO"):
            await self._sink._process_info(self._decode_info(line[5:]))
            return
        raise ProtocolViolationError(repr(line[:80]))


def _assembled(fields: list[bytes], parts: list[bytes | memoryview]) -> tuple[bytes, bytes]:
    """Return (header block, payload) of a message that came in parts, its line end cut off."""
    size = int(fields[-1])
    header_size = int(fields[-2]) if fields[0] == b"HMSG" else 0
    if len(parts[0]) < header_size or len(parts[-1]) < 2:  # cut at an awkward place: copy once more
        whole = b"".join(parts)
        return whole[:header_size], whole[header_size:size]
    header = bytes(parts[0][:header_size])
    parts[0] = memoryview(parts[0])[header_size:]
    parts[-1] = memoryview(parts[-1])[:-2]
    return header, b"".join(parts)


def parse_headers(block: bytes) -> dict[str, str]:
    """Return the headers of a message's header block; later ones win, malformed lines are left out."""
    headers: dict[str, str] = {}
    for line in block.decode("utf-8", "replace").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name] = value.strip()
    return headers


def status_of(block: bytes) -> tuple[int, str] | None:
    """Return (status, description) of a header block `NATS/1.0 409 Consumer Deleted`, None if it has none."""
    if block[8:9] != b" ":
        return None
    line = block[9 : block.find(b"\r\n")].decode("utf-8", "replace")
    code, _, description = line.partition(" ")
    return (int(code), description.strip()) if code.isdigit() else None


def encode_headers(headers: dict[str, str]) -> bytes:
    """Return the header block; line breaks in values become spaces, so that no value can add a header."""
    text = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if text.count("\n") != len(headers) or text.count("\r") != len(headers):
        text = "".join(f"{_one_line(name)}: {_one_line(value)}\r\n" for name, value in headers.items())
    return f"NATS/1.0\r\n{text}\r\n".encode("utf-8", "replace")


def _one_line(text: str) -> str:
    return text.replace("\r", " ").replace("\n", " ")
