"""Loads that vary as a trace says: an injector outside of Cygnet announces them, and a fleet is watched."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cluster.installation import RELEASE, Installation
from cluster.replicas import Replicas
from cluster.streams import stream
from cygnet.scaling.simulator import Outcome, Second, cygnet_policy, simulate
from cygnet.scaling.spec import ScalingSpec
from cygnet.scaling.traces import TRACES, Trace
from cygnet.storage.admin import ensure_bucket
from cygnet.storage.bucket import connect
from cygnet.storage.dataset import open_dataset
from cygnet.storage.settings import S3Settings
from cygnet.storage.verify import verify_run
from cygnet.transport.client import Client
from cygnet.transport.names import Names
from cygnet.transport.streams import stream_state
from cygnet.transport.values import Values

BUCKET, DETECTOR = "loads", "cam"
POD_HZ, MAX_PODS = 12, 20
WINDOW_SECONDS = 300
_KEY, _SHAPE = "frame.raw", (16, 16)


@dataclass(frozen=True, slots=True)
class Load:
    """An hour of a load that goes by so many times as fast; windows of the policy shrink with it."""

    name: str
    times: int

    @property
    def trace(self) -> Trace:
        """The frames of every so many-th second."""
        hour = TRACES[self.name]()
        return Trace(self.name, hour.title, hour.frames[:: self.times])

    @property
    def events(self) -> int:
        """How many frames it has in all."""
        return sum(self.trace.frames)

    @property
    def spec(self) -> ScalingSpec:
        """What the Pipeline says about scaling."""
        return ScalingSpec(
            max_replicas=MAX_PODS, scale_down_window_seconds=round(WINDOW_SECONDS / self.times)
        )

    @property
    def subject(self) -> str:
        """What its injector announces on."""
        return f"loads/{self.name}"

    def pipeline(self) -> dict[str, Any]:
        """Return a Pipeline for it, whose workers wait so that each does 12 frames/s."""
        announcements = {"subjects": [self.subject], "eventsPerRun": self.events}
        scaling = {
            "maxReplicas": self.spec.max_replicas,
            "scaleDownWindowSeconds": int(self.spec.scale_down_window_seconds),
        }
        return stream(
            self.name,
            None,
            bucket=BUCKET,
            sources=[{"name": DETECTOR, "announcements": announcements}],
            preprocessor={"stages": [{"delay": {"seconds": 1 / POD_HZ}}], "scaling": scaling},
            aggregator={"chunkSize": 500, "maxAgeSeconds": 10},
        )

    def predicted(self) -> Outcome:
        """Return what the simulator makes of it."""
        return simulate(self.trace, cygnet_policy(self.spec))


def announcement(installation: Installation) -> dict[str, Any]:
    """Store a small frame where pods find it, and return what an injector says of it."""
    with installation.bucket(BUCKET) as bucket:
        ensure_bucket(bucket)
        body = bytes(range(256))
        asyncio.run(connect(bucket).put(_KEY, body, content_type="application/octet-stream"))
    inside = S3Settings(
        endpoint=f"http://{RELEASE}-s3.{installation.home.namespace}.svc:9000",
        bucket=BUCKET,
        access_key_id=bucket.access_key_id,
        secret_access_key=bucket.secret_access_key,
    )
    return {"url": connect(inside).sign_get(_KEY), "dtype": "|u1", "shape": _SHAPE}


def is_listening(installation: Installation, name: str) -> bool:
    """Whether the source has begun a run: what is announced from now on is in it."""

    async def look(nc: Client) -> bool:
        names = Names(installation.pipelines.namespace, name)
        return bool(await Values(nc, names).keys("base."))

    return installation.ask(look)


def check_stored(installation: Installation, load: Load, run: str) -> str:
    """Read the run back: every event that was announced is stored, once. Raises AssertionError."""
    with installation.bucket(BUCKET) as bucket:
        found = verify_run(connect(bucket).reader, load.name, run, full=True)
        numbers = open_dataset(bucket, run, DETECTOR).events.tolist()
    assert not found.findings, found.findings[:5]
    assert numbers == list(range(load.events))
    return f"{found.chunks} chunks, {found.rows} arrays read back, none lost, none twice"


def figures(outcome: Outcome) -> str:
    """Return what a load cost and what it was worth, in a line."""
    asked = [second.desired for second in outcome.seconds]
    return (
        f"{outcome.seconds_over:4} s over target, worst {outcome.worst_lag_seconds:3} s,"
        f" {len(outcome.steps):2} changes, {outcome.reversals} reversals,"
        f" pods {min(asked)} / {outcome.mean_pods:.1f} / {max(asked)} (min, mean, max)"
    )


def measure(installation: Installation, load: Load, frame: dict[str, Any], replicas: Replicas) -> Outcome:
    """Announce the load as its trace says, and return what the fleet made of it, second by second."""
    names = Names(installation.pipelines.namespace, load.name)

    async def both(nc: Client) -> Sequence[Second]:
        begun = time.time()
        announced = [0] * len(load.trace.frames)
        watching = asyncio.create_task(_watch(nc, names, replicas, begun, announced))
        await _announce(nc, load, frame, begun, announced)
        return await watching

    return Outcome(load.trace, cygnet_policy(load.spec), tuple(installation.ask(both)))


async def _announce(
    nc: Client, load: Load, frame: dict[str, Any], begun: float, announced: list[int]
) -> None:
    """Publish each second's frames at equal distances; count into `announced`."""
    for second, count in enumerate(load.trace.frames):
        for number in range(count):
            await asyncio.sleep(max(0.0, begun + second + number / count - time.time()))
            body = json.dumps({**frame, "time": str(datetime.now(UTC))})
            await nc.publish(load.subject, body.encode())
            announced[second] += 1


async def _watch(
    nc: Client, names: Names, replicas: Replicas, begun: float, announced: Sequence[int]
) -> list[Second]:
    """Look at queue and fleet at the end of each second."""
    seen: list[Second] = []
    for second in range(len(announced)):
        await asyncio.sleep(max(0.0, begun + second + 1 - time.time()))
        queue = await stream_state(nc, names.frames)
        age = 0.0 if queue.first_ts is None else time.time() - queue.first_ts
        per_message = sum(announced) / max(1, queue.last_seq)
        seen.append(
            Second(
                time=second,
                arrived=announced[second],
                desired=replicas.asked,
                ready=replicas.ready,
                backlog=round(queue.messages * per_message),
                lag_seconds=round(max(0.0, age)),
            )
        )
    return seen
