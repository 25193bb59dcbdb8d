"""A simulated detector as a source: frames made on all cores ahead of time, their truth written before."""

import asyncio
import math
import os
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from cygnet.imaging import compress, encode_jpeg, encode_png
from cygnet.model.account import ALL_DETECTORS
from cygnet.model.frame import Frame
from cygnet.model.identity import FrameId
from cygnet.model.truth import Truth
from cygnet.runtime.context import Context
from cygnet.simulator.cygno import Detector, Primary, detector_seed
from cygnet.simulator.schedule import event_times
from cygnet.simulator.source import Batch
from cygnet.simulator.truth import TruthWriter
from cygnet.spec.simulated import SimulatedSource
from cygnet.transport.runs import base_key
from cygnet.transport.values import ConflictError, Values

_AHEAD_BYTES = 32 << 20  # of images that are made or wait, so that large ones do not fill the memory
_JPEG_QUALITY = 80
_ABOUT = ("model", "preset", "spectrum", "seed", "noise_level", "encoding")  # what is kept with the truth


class Simulated:
    """Event n is a function of the seed, the detector's name and n; its time also of the run's start."""

    def __init__(self, detector: str, spec: SimulatedSource, context: Context) -> None:
        self.detector = detector
        self.seed = detector_seed(spec.seed, detector)
        self._spec = spec
        self._jpeg_quality = (spec.jpeg_quality or _JPEG_QUALITY) if spec.encoding == "jpeg" else None
        self._values = context.values
        self._times = event_times(spec, self.seed)
        self._model = Detector(
            spec.preset, spectrum=spec.spectrum, seed=self.seed, noise_level=spec.noise_level
        )
        preset = self._model.preset
        image_bytes = math.prod(preset.shape) * np.dtype(preset.dtype).itemsize
        self._most = max(1, _AHEAD_BYTES // 2 // image_bytes)
        about = {name: str(getattr(spec, name)) for name in _ABOUT}
        about["jpeg_quality"] = str(self._jpeg_quality or "")
        self._truth = TruthWriter(context, detector, self._truth_of, about)
        self._pool: ThreadPoolExecutor | None = None
        self._made: dict[int, Future[Frame]] = {}
        self._run = ""
        self._start_ns = 0
        self._events: int | None = None

    async def open(self, run: str, next_event: int, events: int | None) -> None:
        """Find the start of the run, which all times count from, or write it down."""
        await self.close()
        self._run, self._events = run, events
        self._start_ns = await run_start_ns(self._values, run)
        self._truth.begin(run, next_event, events)
        self._pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)), f"simulated-{self.detector}")

    async def take(self, next_event: int, most: int) -> Batch:
        """Return the next frames, fewer than `most` if they are large; begin with those after them."""
        end = next_event + min(most, self._most)
        ahead = 2 * end - next_event
        if self._events is not None:
            ahead = max(end, min(ahead, self._events))
        seconds = self._times.seconds(next_event, ahead - next_event)
        for event in range(next_event, ahead):
            self._make(event, float(seconds[event - next_event]))
        await self._truth.cover(end)
        wanted = [self._made.pop(event) for event in range(next_event, end)]
        frames = await asyncio.gather(*(asyncio.wrap_future(each) for each in wanted))
        return Batch(frames=frames, next_event=end)

    async def close(self) -> None:
        """Let go of the threads, once each has made the frame that it is at."""
        self._made.clear()
        if self._pool:
            await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
            self._pool = None

    def _make(self, event: int, seconds: float) -> None:
        if self._pool is None:
            raise RuntimeError("the simulated detector was not opened")
        if event not in self._made:
            self._made[event] = self._pool.submit(self._frame, event, seconds)

    def _frame(self, event: int, seconds: float) -> Frame:
        """Return the frame of an event. Its attributes say nothing: what happened is for the truth alone."""
        image = self._model.image(event, self._primary(event, seconds))
        identity, time_ns = FrameId(self._run, self.detector, event), self._time_ns(seconds)
        match self._spec.encoding:
            case "png":
                return Frame(id=identity, time_ns=time_ns, body=encode_png(image), content_type="image/png")
            case "jpeg":
                body = encode_jpeg(image, self._jpeg_quality)
                return Frame(id=identity, time_ns=time_ns, body=body, content_type="image/jpeg")
            case codec:
                return Frame(
                    id=identity,
                    time_ns=time_ns,
                    body=compress(image, codec, image.dtype),
                    encoding=codec,
                    dtype=image.dtype.str,
                    shape=image.shape,
                )

    def _truth_of(self, first: int, end: int) -> Sequence[Truth]:
        seconds = self._times.seconds(first, end - first).tolist()
        primaries = [self._primary(event, at) for event, at in zip(range(first, end), seconds, strict=True)]
        return [_truth(primary, self._time_ns(at)) for primary, at in zip(primaries, seconds, strict=True)]

    def _primary(self, event: int, seconds: float) -> Primary:
        return self._model.primary(event, nuclear_share(self._spec, seconds))

    def _time_ns(self, seconds: float) -> int:
        return self._start_ns + round(seconds * 1e9)


def nuclear_share(spec: SimulatedSource, seconds: float) -> float:
    """Return the share of nuclear recoils at a simulated time: p(t) of `Modulation`, else the constant."""
    swing = spec.modulation
    if swing is None:
        return spec.nuclear_share
    angle = 2 * math.pi * seconds / swing.period_seconds + swing.phase
    return min(1.0, spec.nuclear_share + swing.amplitude * (1 + math.sin(angle)))


async def run_start_ns(values: Values, run: str) -> int:
    """Return when a run has started, in UTC ns: the same for all its detectors, and after a restart."""
    key = base_key(run, ALL_DETECTORS)
    while True:
        value = await values.get(key)
        if value is not None:
            return int(value.data["start_ns"])
        try:
            await values.create(key, {"start_ns": time.time_ns()})
        except ConflictError:
            continue


def _truth(primary: Primary, time_ns: int) -> Truth:
    x, y, z = (float(each) for each in primary.direction)
    column, row = (float(each) + 0.0 for each in primary.position_mm)  # + 0.0: no minus before a zero
    return Truth(
        event=primary.event,
        time_ns=time_ns,
        recoil=primary.recoil,
        energy_kev=float(primary.energy_kev),
        direction=(x, y, z),
        position_mm=(column, row),
        z_mm=float(primary.z_mm),
    )
