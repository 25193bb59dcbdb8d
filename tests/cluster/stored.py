"""Is what a run on the cluster has stored whole, once, and what the detector saw?"""

import random
from typing import Any

import numpy as np
import numpy.typing as npt

from cygnet.imaging import DecodeLimits, crop_center, decode, encode_jpeg
from cygnet.simulator.cygno import Detector, detector_seed
from cygnet.simulator.simulated import nuclear_share
from cygnet.spec.pipeline import Pipeline
from cygnet.storage.bucket import connect
from cygnet.storage.dataset import open_dataset
from cygnet.storage.settings import S3Settings
from cygnet.storage.verify import verify_run

LOOKED_AT = 100
"""Events of a run whose pixels are simulated again."""
_JPEG_QUALITY = 80


def check_stored(bucket: S3Settings, pipeline: Pipeline, run: str, events: int) -> str:
    """Verify a run from its manifests, ledger and objects, and pixels by simulation; say what was seen.

    For a Pipeline of one simulated detector, whose stages are crop and window. Raises AssertionError.
    """
    found = verify_run(connect(bucket).reader, pipeline.prefix, run, full=True)
    assert not found.findings, found.findings[:5]
    dataset = open_dataset(bucket, run, pipeline.spec.sources[0].name)
    numbers = dataset.events.tolist()
    assert numbers == list(range(events)), f"{len(numbers)} events, not {events}, are stored"
    some = random.Random(run).sample(numbers, min(LOOKED_AT, events))
    for event in some:
        np.testing.assert_array_equal(dataset.at(event).image, expected(pipeline, event), f"event {event}")
    return (
        f"{found.chunks} chunks, {found.rows} arrays, {found.bytes_read / 2**20:.0f} MiB read: every checksum"
        f" right, no event twice, none lost; pixels of {len(some)} events are those of the simulation"
    )


def expected(pipeline: Pipeline, event: int) -> npt.NDArray[Any]:
    """Return the image (H, W) that must be stored of an event, without Cygnet's services."""
    source = pipeline.spec.sources[0]
    spec = source.simulator
    assert spec is not None
    detector = Detector(
        spec.preset,
        spectrum=spec.spectrum,
        seed=detector_seed(spec.seed, source.name),
        noise_level=spec.noise_level,
    )
    image = detector.image(event, detector.primary(event, nuclear_share(spec, 0.0)))
    if spec.encoding == "jpeg":
        body = encode_jpeg(image, spec.jpeg_quality or _JPEG_QUALITY)
        image = decode(body, "image/jpeg", limits=DecodeLimits(max_bytes=len(body), max_pixels=image.size))
    for stage in pipeline.spec.preprocessor.stages:
        if stage.crop:
            image = crop_center(image, stage.crop.half_window)
        elif stage.window:
            image = _windowed(image, stage.window)
    return image


def _windowed(image: npt.NDArray[Any], window: Any) -> npt.NDArray[Any]:
    """Return counts as fractions of a window, or as levels of a byte: by numpy alone."""
    inside = np.clip(image.astype(np.float64), window.min, window.max)
    fractions = (inside - window.min) / (window.max - window.min)
    if window.output == "levels":
        return np.rint(fractions * 255).astype(np.uint8)
    return fractions.astype(np.float32)
