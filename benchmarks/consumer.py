"""Cygnet's consumer beside the notebook's loop, on the same PNGs from the same S3, in turns, in one run.

    python -m benchmarks.consumer [--frames 2000] [--notebook-frames 400] [--turns 3]

Both are told of the same stored frames by the same kind of announcement and end with npz chunks of 200 in
the same bucket. Cygnet runs all its services: bridge, preprocessors, aggregator, uploader. A turn's time goes
from the first announcement to the last chunk in the bucket; CPU is that of every process taking part, the
servers told apart. Afterwards every event of Cygnet's run is read back: 0 lost, 0 twice, pixels right.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import boto3
import nats
import numpy as np
import psutil
from botocore.config import Config
from PIL import Image

import cygnet
from cygnet.local.folder import Place, running

FRAMES = Path(__file__).resolve().parent.parent / "examples" / "data" / "cygno"
SUBJECT, BASELINE_SUBJECT = "daq/data", "daq/notebook"
OBJECTS = 210
SPEC = """
apiVersion: cygnet.dev/v1alpha1
kind: Pipeline
metadata: {{name: bench}}
spec:
  sources: [{{name: injector, announcements: {{subjects: [{subject}], eventsPerRun: {events}}}}}]
  preprocessor:
    stages: [{{crop: {{halfWindow: 64}}}}, {{window: {{min: 80, max: 120}}}}]
    scaling: {{minReplicas: {workers}, maxReplicas: {workers}}}
  aggregator: {{chunkSize: 200, maxAgeSeconds: 60}}
  uploader: {{bucket: bench}}
"""


@dataclass(frozen=True)
class Turn:
    """One measured turn: frames per second, and CPU ms per frame of clients, S3 and NATS."""

    fps: float
    clients_ms: float
    s3_ms: float
    nats_ms: float

    @property
    def cpu_ms(self) -> float:
        return self.clients_ms + self.s3_ms + self.nats_ms


class Bench:
    """A running `cygnet up` and an injector that announces frames already stored."""

    def __init__(self, folder: Path, events: int, workers: int) -> None:
        spec = folder / "bench.yaml"
        spec.write_text(SPEC.format(subject=SUBJECT, events=events, workers=workers))
        self.data = folder / "data"
        self.log = (folder / "up.log").open("w+")
        command = [sys.executable, "-m", "cygnet", "up", str(spec), "--data", str(self.data), "--json"]
        self.up = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT)
        self.place = self._wait_until_it_listens()
        self.environment = {
            **os.environ,
            "NATS_URL": self.place.nats_url,
            "AWS_ENDPOINT_URL": self.place.s3_endpoint,
            "AWS_ACCESS_KEY_ID": self.place.s3_access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.place.s3_secret_access_key,
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
            "CYGNET_BUCKET": self.place.bucket,
        }
        self.s3 = boto3.client(
            "s3",
            endpoint_url=self.place.s3_endpoint,
            aws_access_key_id=self.place.s3_access_key_id,
            aws_secret_access_key=self.place.s3_secret_access_key,
            region_name="us-east-1",
            config=Config(request_checksum_calculation="when_required", signature_version="s3v4"),
        )

    def _wait_until_it_listens(self) -> Place:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.up.poll() is None:
            if self.live().get("state") == "running":
                return running(self.data).pipelines["bench"]
            time.sleep(0.1)
        raise SystemExit(f"cygnet up did not start:\n{Path(self.log.name).read_text()}")

    def live(self) -> dict[str, object]:
        """Return the last live line of the running `up`."""
        lines = Path(self.log.name).read_text().splitlines()
        return next((json.loads(line) for line in reversed(lines) if line.startswith('{"pipeline"')), {})

    def store(self) -> list[dict[str, str]]:
        """PUT the frames and return their announcements; object n holds the frame n mod 7."""
        bodies = [path.read_bytes() for path in sorted(FRAMES.glob("*.png"))]
        announcements = []
        start = datetime(2024, 11, 27, 14, 27, 36, 570564)  # noqa: DTZ001 - naive, as injectors write it
        for number in range(OBJECTS):
            key = f"daq/cygno-{number:04d}.png"
            self.s3.put_object(Bucket=self.place.bucket, Key=key, Body=bodies[number % len(bodies)])
            url = self.s3.generate_presigned_url(
                "get_object", {"Bucket": self.place.bucket, "Key": key}, ExpiresIn=3600
            )
            moment = start + timedelta(milliseconds=number)
            announcements.append({"url": url, "time": str(moment), "filename": Path(key).name})
        return announcements

    def processes(self) -> dict[str, list[psutil.Process]]:
        """Return what takes part, servers told apart."""
        groups: dict[str, list[psutil.Process]] = {"clients": [], "s3": [], "nats": []}
        parent = psutil.Process(self.up.pid)
        for process in [parent, *parent.children(recursive=True)]:
            name = Path(process.cmdline()[0]).name
            groups["s3" if "rclone" in name else "nats" if "nats-server" in name else "clients"].append(
                process
            )
        return groups

    def cpu(self) -> dict[str, float]:
        """Return CPU seconds so far, by group."""
        return {
            group: sum(sum(each.cpu_times()[:2]) for each in members)
            for group, members in self.processes().items()
        }


async def publish(url: str, subject: str, announcements: Sequence[dict[str, str]], count: int) -> None:
    """Announce `count` frames by core NATS, as an injector does."""
    nc = await nats.connect(url)
    for number in range(count):
        await nc.publish(subject, json.dumps(announcements[number % len(announcements)]).encode())
    await nc.flush()
    await nc.close()


def chunk_times(bench: Bench) -> list[float]:
    """Return when each of Cygnet's chunks was last written."""
    return [path.stat().st_mtime for path in bench.data.glob("s3/bench/bench/*/injector/chunk-*.npz")]


def cygnet_turn(bench: Bench, announcements: Sequence[dict[str, str]], frames: int) -> Turn:
    """Let the running services consume `frames` announcements."""
    chunks_before = len(chunk_times(bench))
    wanted = chunks_before + frames // 200
    before, started = bench.cpu(), time.time()
    asyncio.run(publish(bench.place.nats_url, SUBJECT, announcements, frames))
    deadline = started + 300
    while len(chunk_times(bench)) < wanted:
        if time.time() > deadline or bench.up.poll() is not None:
            raise SystemExit(f"only {len(chunk_times(bench))} of {wanted} chunks came")
        time.sleep(0.02)
    seconds = max(chunk_times(bench)) - started
    return _turn(frames, seconds, before, bench.cpu())


def notebook_turn(bench: Bench, announcements: Sequence[dict[str, str]], frames: int, turn: int) -> Turn:
    """Let the notebook's loop consume `frames` announcements."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.notebook_loop"]
    loop = subprocess.Popen(
        [*command, str(frames), BASELINE_SUBJECT, f"notebook-{turn}"],
        env=bench.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert loop.stdout is not None
    if loop.stdout.readline().strip() != "listening":
        raise SystemExit("the notebook's loop did not start")
    own = psutil.Process(loop.pid)
    idle = sum(own.cpu_times()[:2])
    before, started = bench.cpu(), time.time()
    asyncio.run(publish(bench.place.nats_url, BASELINE_SUBJECT, announcements, frames))
    _, status, usage = os.wait4(loop.pid, 0)
    seconds, after = time.time() - started, bench.cpu()
    if status:
        raise SystemExit(f"the notebook's loop ended with status {status}")
    after["clients"] = before["clients"] + usage.ru_utime + usage.ru_stime - idle
    return _turn(frames, seconds, before, after)


def _turn(frames: int, seconds: float, before: dict[str, float], after: dict[str, float]) -> Turn:
    cost = {group: (after[group] - before[group]) * 1000 / frames for group in before}
    return Turn(frames / seconds, cost["clients"], cost["s3"], cost["nats"])


def verify(bench: Bench, events: int) -> tuple[int, int, int]:
    """Read every event back; return how many are lost, twice, or have a wrong pixel."""
    dataset = cygnet.open(bench.data)
    numbers = [int(event) for event in dataset.events]
    expected = []
    for path in sorted(FRAMES.glob("*.png")):
        crop = np.asarray(Image.open(path))[224:352, 224:352].astype(np.float32)
        expected.append(np.clip((crop - np.float32(80)) / np.float32(40), 0, 1))
    wrong = 0
    for view in dataset:
        file = int(view.attrs["filename"][6:10]) % len(expected)
        wrong += not np.array_equal(view.image, expected[file])
    return events - len(set(numbers)), len(numbers) - len(set(numbers)), wrong


def main() -> None:
    """Run the turns and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--frames", type=int, default=2000, help="frames in a turn of Cygnet, a multiple of 200"
    )
    parser.add_argument("--notebook-frames", type=int, default=400, help="frames in a turn of the notebook")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1, help="preprocessors")
    wish = parser.parse_args()
    events = wish.frames * wish.turns + 200
    with tempfile.TemporaryDirectory(prefix="cygnet-bench-") as folder:
        bench = Bench(Path(folder), events, wish.workers)
        try:
            announcements = bench.store()
            cygnet_turn(bench, announcements, 200)  # warm
            ours, theirs = [], []
            for turn in range(wish.turns):
                theirs.append(notebook_turn(bench, announcements, wish.notebook_frames, turn))
                ours.append(cygnet_turn(bench, announcements, wish.frames))
            bench.up.wait(60)
            lost, twice, wrong = verify(bench, events)
        finally:
            if bench.up.poll() is None:
                bench.up.terminate()
                bench.up.wait(60)
    report(theirs, ours)
    print(f"Cygnet's {events} events read back: {lost} lost, {twice} twice, {wrong} with a wrong pixel")
    raise SystemExit(1 if lost or twice or wrong else 0)


def report(theirs: Sequence[Turn], ours: Sequence[Turn]) -> None:
    """Print medians, and the ratio turn by turn."""
    print(f"{'':24}{'frames/s':>10}{'min-max':>14}{'CPU ms/frame':>14}  clients + S3 + NATS")
    for name, turns in (("notebook loop", theirs), ("Cygnet, all services", ours)):
        rates = [turn.fps for turn in turns]
        clients, s3, nats_ms, cpu = (
            statistics.median(getattr(turn, field) for turn in turns)
            for field in ("clients_ms", "s3_ms", "nats_ms", "cpu_ms")
        )
        spread = f"{min(rates):.0f}-{max(rates):.0f}"
        print(
            f"{name:24}{statistics.median(rates):>10.0f}{spread:>14}{cpu:>14.2f}"
            f"  {clients:.2f} + {s3:.2f} + {nats_ms:.2f}"
        )
    ratios = [our.fps / their.fps for our, their in zip(ours, theirs, strict=True)]
    cpu = statistics.median(t.cpu_ms for t in theirs) / statistics.median(t.cpu_ms for t in ours)
    each = ", ".join(f"{ratio:.1f}" for ratio in ratios)
    print(f"Cygnet / notebook: {statistics.median(ratios):.1f}x ({each}); CPU per frame {cpu:.1f}x less")


if __name__ == "__main__":
    main()
