"""Real detector frames and limits for the imaging tests."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray
from PIL import Image

from cygnet.imaging import DecodeLimits

settings.register_profile("unhurried", deadline=None)  # a loaded machine is no failure
settings.load_profile("unhurried")

FRAMES = Path(__file__).parents[3] / "examples" / "data" / "cygno"


@pytest.fixture(scope="session")
def real_bodies() -> list[bytes]:
    bodies = [path.read_bytes() for path in sorted(FRAMES.glob("frame-*.png"))]
    assert len(bodies) == 7
    return bodies


@pytest.fixture(scope="session")
def real_frames() -> list[NDArray[np.uint8]]:
    return [np.array(Image.open(path)) for path in sorted(FRAMES.glob("frame-*.png"))]


@pytest.fixture(scope="session")
def limits() -> DecodeLimits:
    return DecodeLimits(max_bytes=1 << 20, max_pixels=1 << 20)
