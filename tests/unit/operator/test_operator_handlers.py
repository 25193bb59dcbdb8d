"""What kopf hands over reaches the store, and kopf writes nothing to an object. In process, with kmock."""

import asyncio
import threading
import warnings
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import kmock
import kopf
import pytest

from cygnet_operator.handlers import EndlessBackoffs, kopf_settings, registry
from cygnet_operator.kinds import CONFIG_MAP, PIPELINE, Kind
from cygnet_operator.reconcile.labels import labels
from cygnet_operator.store import Store
from unit.operator.pipelines import document

KEY = ("lab", "lime")
pytestmark = pytest.mark.kmock(cls=kmock.KubernetesEmulator)


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not look():
            await asyncio.sleep(0.02)


class Served:
    """An API server in this process, and the store that a running kopf keeps."""

    def __init__(self, server: Any, store: Store, session: aiohttp.ClientSession) -> None:
        self.server, self.store, self._session = server, store, session

    async def create(self, kind: Kind, body: dict[str, Any]) -> None:
        path = kind.path(body["metadata"]["namespace"])
        async with self._session.post(f"{self.server.url}{path}", json=body) as answer:
            assert answer.status in (200, 201), await answer.text()

    async def delete(self, kind: Kind, name: str) -> None:
        async with self._session.delete(f"{self.server.url}{kind.path('lab', name)}") as answer:
            assert answer.status == 200, await answer.text()

    async def annotate(self, kind: Kind, name: str) -> None:
        patch = {"metadata": {"annotations": {"note": "x"}}}
        headers = {"Content-Type": "application/merge-patch+json"}
        url = f"{self.server.url}{kind.path('lab', name)}"
        async with self._session.patch(url, json=patch, headers=headers) as answer:
            assert answer.status == 200, await answer.text()


@pytest.fixture
async def served(kmock: Any) -> AsyncIterator[Served]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of how kmock reads its own file
        kmock.resources.load_bundled()
    kmock.resources["cygnet.dev/v1alpha1/pipelines"] = {
        "namespaced": True,
        "kind": "Pipeline",
        "singular": "pipeline",
        "verbs": {"list", "watch", "get", "create", "patch", "delete"},
    }
    marked: list[tuple[str, str]] = []
    store = Store(marked.append, marked.append)
    stop = threading.Event()

    def to_kmock(**_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=str(kmock.url))

    def watch() -> None:
        """In a loop of its own: when kopf ends, it cancels every task of the loop that is younger than it."""
        asyncio.run(
            kopf.operator(
                registry=registry(store, to_kmock),
                settings=kopf_settings(),
                standalone=True,
                clusterwide=True,
                stop_flag=stop,
            )
        )

    running = asyncio.create_task(asyncio.to_thread(watch))
    try:
        async with aiohttp.ClientSession() as session:
            yield Served(kmock, store, session)
    finally:
        stop.set()
        await asyncio.wait_for(running, 20)


async def test_pipelines_and_children_come_and_go(served: Served) -> None:
    await served.create(PIPELINE, document())
    child = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "lime-spec", "namespace": "lab", "uid": "c", "labels": labels("lime")},
        "data": {"a": "b"},
    }
    await served.create(CONFIG_MAP, child)
    await until(lambda: served.store.pipeline(KEY) and served.store.children(KEY))
    assert served.store.children(KEY)["ConfigMap", "lime-spec"]["data"] == {"a": "b"}
    await served.delete(CONFIG_MAP, "lime-spec")
    await until(lambda: not served.store.children(KEY))
    await served.delete(PIPELINE, "lime")
    await until(lambda: served.store.pipeline(KEY) is None)


async def test_kopf_writes_nothing_to_a_pipeline(served: Served) -> None:
    await served.create(PIPELINE, document())
    await until(lambda: served.store.pipeline(KEY))
    await served.annotate(PIPELINE, "lime")
    await until(lambda: (served.store.pipeline(KEY) or {})["metadata"].get("annotations"))
    metadata = (served.store.pipeline(KEY) or {})["metadata"]
    assert metadata["annotations"] == {"note": "x"}
    assert not metadata.get("finalizers")


def test_backoffs_never_end_and_may_be_asked_for_again() -> None:
    backoffs = EndlessBackoffs()
    for _ in range(2):
        waits = [wait for wait, _ in zip(backoffs, range(1000), strict=False)]
        assert len(waits) == 1000
        assert max(waits) <= 15
