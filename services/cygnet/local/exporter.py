"""What Prometheus finds on one machine: `up`'s own metrics, and a file that says where every service is."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from cygnet.local.disk import free_bytes
from cygnet.local.plan import SOURCE, Slot
from cygnet.runtime import pipeline_metrics
from cygnet.transport.client import Client
from cygnet.transport.errors import TransportError
from cygnet.transport.server_storage import LOOK_SECONDS, server_name, server_storage

TARGETS = "prometheus.json"
_TURN_SECONDS = 0.5
_ALL_MAY_READ = 0o644


class Exporter:
    """Serves `/metrics` of this `up`, and keeps DIR/prometheus.json for `file_sd_configs` of Prometheus.

    Prometheus reads the file anew whenever it changes, so that workers that come and go are scraped without
    anybody's doing. It lists nothing once `up` has ended.
    """

    def __init__(self, folder: Path, namespaces: Mapping[str, str]) -> None:
        """`namespaces`: of each pipeline."""
        self._file = folder / TARGETS
        self._namespaces = namespaces
        self._said: list[Any] | None = None
        app = web.Application()
        app.add_routes([web.get("/metrics", _metrics)])
        self._runner = web.AppRunner(app, access_log=None)
        self.address = ""
        """`host:port` that is listened on."""

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.address = f"{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        self._write([])

    async def follow(self, addresses: Callable[[], Mapping[Slot, str]]) -> None:
        """Keep the file as the services are, until cancelled."""
        while True:
            self._write(targets(self.address, addresses(), self._namespaces))
            await asyncio.sleep(_TURN_SECONDS)

    def _write(self, wanted: list[Any]) -> None:
        if wanted == self._said:
            return
        partial = self._file.with_name(f".{self._file.name}.new")
        with suppress(OSError):  # a full disk makes nobody stop; the next turn tries again
            partial.write_text(json.dumps(wanted, indent=1))
            partial.chmod(_ALL_MAY_READ)
            partial.replace(self._file)
            self._said = wanted


def targets(own: str, addresses: Mapping[Slot, str], namespaces: Mapping[str, str]) -> list[Any]:
    """Return where to scrape what, with the labels that services have on a cluster too."""
    found: list[Any] = [{"targets": [own], "labels": {"component": "operator", "pod": "up"}}]
    for slot, address in sorted(addresses.items()):
        labels = {
            "namespace": namespaces[slot.pipeline],
            "pipeline": slot.pipeline,
            "component": "source" if slot.service == SOURCE else slot.service,
            "pod": str(slot),
        }
        found.append({"targets": [address], "labels": labels})
    return found


async def measure_storage(clients: Mapping[str, Client], urls: Mapping[str, str], own: Path | None) -> None:
    """Say what JetStream holds, until cancelled; `clients` and `urls` are by pipeline.

    The embedded server, whose folder is `own`, has no limit but its disk: that is what it may hold.
    """
    servers = {server_name(urls[pipeline]): nc for pipeline, nc in clients.items()}
    while True:
        for server, nc in servers.items():
            with suppress(TransportError):
                storage = await server_storage(nc)
                limit = storage.limit_bytes
                if limit < 0 and own is not None:
                    limit = storage.used_bytes + free_bytes(own)
                pipeline_metrics.note_storage(server, storage.used_bytes, limit)
        await asyncio.sleep(LOOK_SECONDS)


async def _metrics(_request: web.Request) -> web.Response:
    body = generate_latest(pipeline_metrics.REGISTRY)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
