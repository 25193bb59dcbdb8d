"""How much JetStream holds on disk for all streams together, and how much it may."""

from dataclasses import dataclass

from nats.aio.client import Client as NatsClient

from cygnet.transport.api import api

LOOK_SECONDS = 30.0
"""Often enough: it fills over minutes."""


@dataclass(frozen=True, slots=True)
class ServerStorage:
    """Bytes on disk of the NATS account that a connection is in; `limit_bytes` -1: it has no limit."""

    used_bytes: int
    limit_bytes: int


async def server_storage(nc: NatsClient) -> ServerStorage:
    """Return what JetStream holds now. Raises TransportError."""
    answer = await api(nc, "INFO")
    tiers = answer.get("tiers") or {}
    limits = [tier["limits"]["max_storage"] for tier in tiers.values()] or [answer["limits"]["max_storage"]]
    limit = -1 if any(each < 0 for each in limits) else sum(limits)
    return ServerStorage(int(answer["storage"]), limit)


def server_name(url: str) -> str:
    """Return a NATS address as metrics show it: hosts and ports, without scheme, user and password."""
    return ",".join(each.rpartition("://")[2].rpartition("@")[2].rstrip("/") for each in url.split(","))
