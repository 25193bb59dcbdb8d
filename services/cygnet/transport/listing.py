"""The states of many streams by one request: what many pipelines cost is asked for all of them together."""

import json
from datetime import datetime

import msgspec
from nats.aio.client import Client as NatsClient

from cygnet.transport.api import request
from cygnet.transport.errors import ApiError, NatsOutageError
from cygnet.transport.streams import StreamState

_SUBJECT = "$JS.API.STREAM.LIST"


class _State(msgspec.Struct):
    messages: int
    bytes: int
    first_seq: int
    last_seq: int
    first_ts: datetime


class _Config(msgspec.Struct):
    name: str
    max_bytes: int = -1


class _Stream(msgspec.Struct):
    config: _Config
    state: _State


class _Error(msgspec.Struct):
    code: int = 0
    err_code: int = 0
    description: str = "refused"


class _Page(msgspec.Struct):
    total: int = 0
    streams: list[_Stream] | None = None
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Page).decode


async def list_states(nc: NatsClient, subject: str) -> dict[str, StreamState]:
    """Return what each stream with subjects under `subject` (wildcards allowed) holds now, by its name.

    256 streams come with one answer. Of a clustered server those are missing whose leader does not answer.
    """
    found: dict[str, StreamState] = {}
    offset = 0
    while True:
        body = json.dumps({"subject": subject, "offset": offset}).encode()
        page = _page(await request(nc, _SUBJECT, body))
        streams = page.streams or []
        found |= {each.config.name: _state(each) for each in streams}
        offset += len(streams)
        if not streams or offset >= page.total:
            return found


def _page(answer: bytes) -> _Page:
    try:
        page = _decode(answer)
    except msgspec.MsgspecError as error:
        raise NatsOutageError(f"{_SUBJECT}: an answer that is none: {error}") from error
    if page.error:
        refusal = page.error
        raise ApiError(_SUBJECT, refusal.code, refusal.err_code, refusal.description)
    return page


def _state(stream: _Stream) -> StreamState:
    state = stream.state
    return StreamState(
        messages=state.messages,
        bytes=state.bytes,
        max_bytes=stream.config.max_bytes,
        first_seq=state.first_seq,
        last_seq=state.last_seq,
        first_ts=state.first_ts.timestamp() if state.messages else None,
    )
