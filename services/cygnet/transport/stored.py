"""Reading single messages of a stream by direct get: by sequence, or the last of a subject."""

import json
from dataclasses import dataclass

from nats import errors
from nats.aio.client import Client as NatsClient

from cygnet.transport.api import API_SECONDS, seconds_since_1970
from cygnet.transport.errors import NatsOutageError

_NOT_FOUND = "404"


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message as the stream holds it."""

    sequence: int
    subject: str
    data: bytes
    headers: dict[str, str]

    @property
    def time_ns(self) -> int:
        """When the stream took the message: nanoseconds since 1970, to the microsecond."""
        return round(seconds_since_1970(self.headers["Nats-Time-Stamp"]) * 1e6) * 1000


async def stored_message(nc: NatsClient, stream: str, sequence: int) -> StoredMessage | None:
    """Return the message of this sequence, None if the server that answers does not have it."""
    return await _direct_get(nc, f"$JS.API.DIRECT.GET.{stream}", {"seq": sequence})


async def last_message(nc: NatsClient, stream: str, subject: str) -> StoredMessage | None:
    """Return the last message of a subject, None if there is none."""
    return await _direct_get(nc, f"$JS.API.DIRECT.GET.{stream}", {"last_by_subj": subject})


async def _direct_get(nc: NatsClient, api_subject: str, body: dict[str, object]) -> StoredMessage | None:
    try:
        answer = await nc.request(api_subject, json.dumps(body).encode(), timeout=API_SECONDS)
    except errors.NoRespondersError as error:
        raise NatsOutageError(f"{api_subject}: nobody answers") from error
    except (TimeoutError, errors.Error, OSError) as error:
        raise NatsOutageError(f"{api_subject}: no answer ({type(error).__name__})") from error
    headers = dict(answer.headers or {})
    status = headers.get("Status", "")
    if status == _NOT_FOUND:
        return None
    if status:
        raise NatsOutageError(f"{api_subject}: {status} {headers.get('Description', '')}".strip())
    return StoredMessage(int(headers["Nats-Sequence"]), headers["Nats-Subject"], answer.data, headers)
