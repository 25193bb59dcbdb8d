"""What kopf is told: which objects to watch, and how not to die of an API server that refuses for long."""

from collections.abc import Callable, Iterator
from typing import Any

import kopf

from cygnet_operator.kinds import PIPELINE, WATCHED, Kind
from cygnet_operator.reconcile.labels import MANAGED_BY, OPERATOR, SELECTOR
from cygnet_operator.store import Store

Login = Callable[..., kopf.ConnectionInfo | None]

_BACKOFFS = (1.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0)
_SERVER_SECONDS, _CLIENT_SECONDS, _CONNECT_SECONDS, _REQUEST_SECONDS = 300, 310, 30, 30


class EndlessBackoffs:
    """Waits between attempts, each a little longer, then for ever the longest; may be iterated again.

    With kopf's own, a watch that is refused for a minute ends, and the process lives on blind.
    """

    def __iter__(self) -> Iterator[float]:
        yield from _BACKOFFS
        while True:
            yield _BACKOFFS[-1]


def kopf_settings() -> kopf.OperatorSettings:
    """Return how kopf watches: server-side filters, timeouts everywhere, nothing written to objects."""
    settings = kopf.OperatorSettings()
    settings.networking.error_backoffs = EndlessBackoffs()
    settings.networking.request_timeout = _REQUEST_SECONDS
    settings.networking.connect_timeout = _CONNECT_SECONDS
    settings.watching.server_timeout = _SERVER_SECONDS
    settings.watching.client_timeout = _CLIENT_SECONDS
    settings.watching.connect_timeout = _CONNECT_SECONDS
    settings.watching.reconnect_backoff = 1.0
    for kind in WATCHED:
        settings.watching.label_selectors[selector(kind)] = SELECTOR
    settings.posting.enabled = False
    settings.scanning.disabled = True  # we wait for our own definition, and need no right to read others
    settings.peering.standalone = True
    return settings


def selector(kind: Kind) -> tuple[str, str, str]:
    """Return a kind as kopf names it."""
    group, _, version = kind.api_version.rpartition("/")
    return group, version, kind.plural


def registry(store: Store, login: Login) -> kopf.OperatorRegistry:
    """Return handlers that keep the store as the API server tells; on_event writes nothing to an object."""
    found = kopf.OperatorRegistry()

    async def take(type: str | None, body: kopf.Body, kind: Kind) -> None:  # noqa: A002 - kopf's name
        document: dict[str, Any] = {"apiVersion": kind.api_version, "kind": kind.kind, **dict(body)}
        if type == "DELETED":
            store.drop(document)
        else:
            store.put(document)

    def watch(kind: Kind, labels: dict[str, str] | None = None) -> None:
        @kopf.on.event(*selector(kind), registry=found, id=f"watch-{kind.plural}", labels=labels)
        async def handler(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002
            await take(type, body, kind)

    watch(PIPELINE)
    for each in WATCHED:
        watch(each, {MANAGED_BY: OPERATOR})
    kopf.on.login(registry=found)(login)
    return found
