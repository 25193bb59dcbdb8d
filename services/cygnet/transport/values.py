"""The pipeline's current values: small JSON documents in a key-value bucket, changed by compare-and-set."""

import re
from dataclasses import dataclass
from typing import Any

import msgspec
from nats import errors
from nats.aio.client import Client as NatsClient

from cygnet.transport.api import API_SECONDS
from cygnet.transport.errors import NatsClosedError, NatsOutageError, PublishRefusedError, TransportError
from cygnet.transport.names import Names
from cygnet.transport.stored import last_message
from cygnet.transport.streams import MAX_VALUE_BYTES, bucket_stream, subjects

_KEY = re.compile(r"[A-Za-z0-9_=/-]+(\.[A-Za-z0-9_=/-]+)*")
_DELETED = ("DEL", "PURGE")
_WRONG_LAST_SEQUENCE = (10071, 10164)


class ConflictError(TransportError):
    """The value was changed by somebody else since it was read: read it again."""


class ValueTooLargeError(TransportError):
    """The value is above what the bucket takes: keep a reference {bucket, key, sha256} instead."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value as it is now; `revision` is what a compare-and-set compares."""

    revision: int
    data: Any
    raw: bytes


class Values:
    """Reads and writes one pipeline's bucket. Every call raises NatsOutageError when NATS is away."""

    def __init__(self, nc: NatsClient, names: Names) -> None:
        self._nc = nc
        self._stream = bucket_stream(names)
        self._root = f"$KV.{names.bucket}"

    async def get(self, key: str) -> Value | None:
        """Return the value of a key, None if there is none. A value that is not JSON has data None."""
        message = await last_message(self._nc, self._stream, self._subject(key))
        if message is None or message.headers.get("KV-Operation") in _DELETED:
            return None
        return Value(message.sequence, _decoded(message.data), message.data)

    async def create(self, key: str, data: Any) -> int:
        """Write the first value of a key and return its revision; ConflictError if there is one."""
        try:
            return await self._write(key, data, 0)
        except ConflictError:
            message = await last_message(self._nc, self._stream, self._subject(key))
            if message is None or message.headers.get("KV-Operation") not in _DELETED:
                raise
            return await self._write(key, data, message.sequence)

    async def update(self, key: str, data: Any, revision: int) -> int:
        """Write the next value if the last one is still `revision`, else raise ConflictError."""
        return await self._write(key, data, revision)

    async def put(self, key: str, data: Any) -> int:
        """Write a value whatever was there, and return its revision."""
        return await self._write(key, data, None)

    async def delete(self, key: str, revision: int | None = None) -> None:
        """Remove a key, with `revision` unless it was changed since; one that is not there is gone already.

        By a marker. A purge is no deletion: once the server was killed, the value before the last, which it
        had dropped to make room for that, is there again.
        """
        value = await self.get(key)
        if value is None:
            return
        expected = {"Nats-Expected-Last-Subject-Sequence": str(revision or value.revision)}
        try:
            await self._send(key, b"", {"KV-Operation": _DELETED[0], **expected})
        except ConflictError:
            if revision is None:
                await self.delete(key)

    async def keys(self, prefix: str = "") -> list[str]:
        """Return the keys that begin with `prefix` and have a value, sorted."""
        tokens = prefix.split(".")[:-1]
        pattern = ".".join([self._root, *tokens, ">"])
        found = await subjects(self._nc, self._stream, pattern)
        keys = (subject.removeprefix(f"{self._root}.") for subject in found)
        wanted = sorted(key for key in keys if key.startswith(prefix))
        return [key for key in wanted if await self.get(key) is not None]

    def _subject(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise ValueError(f"key: {key!r}; accepted: words of A-Z a-z 0-9 _ - = / joined by dots")
        return f"{self._root}.{key}"

    async def _write(self, key: str, data: Any, revision: int | None) -> int:
        body = msgspec.json.encode(data)
        if len(body) > MAX_VALUE_BYTES:
            raise ValueTooLargeError(
                f"{key}: {len(body)} bytes; accepted: up to {MAX_VALUE_BYTES}."
                " Keep a reference {bucket, key, sha256} to it instead"
            )
        expected = {} if revision is None else {"Nats-Expected-Last-Subject-Sequence": str(revision)}
        return await self._send(key, body, expected)

    async def _send(self, key: str, body: bytes, headers: dict[str, str]) -> int:
        subject = self._subject(key)
        answer = await self._request(subject, body, headers)
        error = answer.get("error")
        if not error:
            return int(answer["seq"])
        if error.get("err_code") in _WRONG_LAST_SEQUENCE:
            expected = headers.get("Nats-Expected-Last-Subject-Sequence")
            raise ConflictError(f"{key}: {error.get('description')}; expected revision {expected}")
        code, err_code = int(error.get("code", 0)), int(error.get("err_code", 0))
        if code >= 500:
            raise NatsOutageError(f"{key}: {error.get('description')} (err_code {err_code})")
        raise PublishRefusedError(subject, code, err_code, str(error.get("description")))

    async def _request(self, subject: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        try:
            answer = await self._nc.request(subject, body, timeout=API_SECONDS, headers=headers or None)
        except errors.ConnectionClosedError as error:
            raise NatsClosedError("the connection to NATS is closed") from error
        except (TimeoutError, errors.Error, OSError) as error:
            raise NatsOutageError(f"{subject}: not written for certain ({type(error).__name__})") from error
        document: dict[str, Any] = msgspec.json.decode(answer.data)
        return document


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
