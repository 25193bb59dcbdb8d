"""What stays on NATS when a Pipeline is deleted, and what goes; and what a run is asked for."""

import asyncio

from cluster.kubectl import until
from cluster.operator.operator_process import INSTALLATION, a_pipeline
from cluster.operator.world import World
from cygnet.runtime.sizes import owner_metadata, stream_sizes
from cygnet.spec.pipeline import Pipeline
from cygnet.transport.client import Client
from cygnet.transport.connection import close, connect
from cygnet.transport.names import Names
from cygnet.transport.owners import owners
from cygnet.transport.streams import ensure_streams

SWEPT_SECONDS = 200.0
"""Two lists a minute apart, each a minute after the last, and a little."""


def buckets(url: str, namespace: str) -> set[str]:
    """Return the pipelines of a namespace that have streams on NATS."""

    async def look() -> set[str]:
        nc = await connect(url, name="test")
        try:
            return {owner.pipeline for owner in await owners(nc) if owner.namespace == namespace}
        finally:
            await close(nc)

    return asyncio.run(look())


def make_streams_of_another_installation(url: str, namespace: str) -> None:
    async def make() -> None:
        nc: Client = await connect(url, name="test")
        plain = a_pipeline("theirs", namespace, deletionPolicy="Delete")
        pipeline = Pipeline.model_validate(plain)
        owner = owner_metadata(pipeline, "another/one", "uid")
        await ensure_streams(nc, Names(namespace, "theirs"), stream_sizes(pipeline), owner)
        await close(nc)

    asyncio.run(make())


def test_after_delete_nothing_is_left_and_after_retain_everything(world: World, namespace: str) -> None:
    url = world.nats.url
    make_streams_of_another_installation(url, namespace)
    for name, policy in (("goes", "Delete"), ("stays", "Retain"), ("reborn", "Delete"), ("lives", "Delete")):
        world.apply(a_pipeline(name, namespace, deletionPolicy=policy))
    until("streams", lambda: len(buckets(url, namespace)) == 5)
    for name in ("goes", "stays", "reborn"):
        world.server.must("delete", f"pipeline/{name}", "--namespace", namespace)
    swept = world.operator.sweeps()
    until("a list without it", lambda: world.operator.sweeps() > swept, 90)
    assert "goes" in buckets(url, namespace), "one list without it is not enough"
    world.apply(a_pipeline("reborn", namespace, deletionPolicy="Delete"))
    until("the sweep", lambda: "goes" not in buckets(url, namespace), SWEPT_SECONDS)
    assert buckets(url, namespace) == {"stays", "reborn", "lives", "theirs"}
    assert INSTALLATION != "another/one"


def test_streams_that_somebody_deleted_are_made_again(world: World, namespace: str) -> None:
    world.apply(a_pipeline("lime", namespace))
    world.says(namespace, "lime", "StreamsReady", "True")

    async def delete() -> None:
        from cygnet.transport.streams import delete_streams

        nc = await connect(world.nats.url, name="test")
        await delete_streams(nc, Names(namespace, "lime"))
        await close(nc)

    asyncio.run(delete())
    until("streams again", lambda: buckets(world.nats.url, namespace) == {"lime"}, 60)
    world.says(namespace, "lime", "StreamsReady", "True", 60)


def test_streams_that_cannot_be_had_are_told_and_stop_nobody(world: World, namespace: str) -> None:
    world.apply(a_pipeline("huge", namespace, streams={"framesBytes": 64 << 30}))
    world.apply(a_pipeline("small", namespace))
    told = world.says(namespace, "huge", "StreamsReady", "False")
    assert told["reason"] == "NoRoomForStreams"
    assert "cannot reserve" in told["message"]
    world.says(namespace, "small", "StreamsReady", "True")
