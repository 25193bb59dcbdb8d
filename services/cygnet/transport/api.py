"""Requests to JetStream's own API: JSON there and back, every failure one of our errors."""

import json
from datetime import datetime
from typing import Any

from nats import errors
from nats.aio.client import Client as NatsClient

from cygnet.transport.errors import ApiError, NatsClosedError, NatsOutageError

API_SECONDS = 5.0
NOT_FOUND = (10014, 10037, 10059)  # consumer, message, stream
Json = dict[str, Any]


async def request(nc: NatsClient, subject: str, body: bytes = b"", *, timeout: float = API_SECONDS) -> bytes:
    """Send one request and return its answer; raise NatsOutageError when none comes."""
    try:
        return bytes((await nc.request(subject, body, timeout=timeout)).data)
    except errors.ConnectionClosedError as error:
        raise NatsClosedError("the connection to NATS is closed") from error
    except errors.NoRespondersError as error:
        raise NatsOutageError(
            f"{subject}: nobody answers (JetStream off, starting, or no permission)"
        ) from error
    except (TimeoutError, errors.Error, OSError) as error:
        raise NatsOutageError(f"{subject}: no answer in {timeout:g} s ({type(error).__name__})") from error


async def api(nc: NatsClient, action: str, body: Json | None = None, *, timeout: float = API_SECONDS) -> Json:
    """Call `$JS.API.{action}`; raise ApiError when JetStream refuses."""
    subject = f"$JS.API.{action}"
    payload = json.dumps(body).encode() if body is not None else b""
    answer: Json = json.loads(await request(nc, subject, payload, timeout=timeout))
    error = answer.get("error")
    if error:
        code, err_code = int(error.get("code", 0)), int(error.get("err_code", 0))
        raise ApiError(subject, code, err_code, str(error.get("description", "refused")))
    return answer


def seconds_since_1970(text: str) -> float:
    """Return the moment that JetStream writes as `2026-11-21T10:00:00.123456789Z`."""
    return datetime.fromisoformat(text).timestamp()
