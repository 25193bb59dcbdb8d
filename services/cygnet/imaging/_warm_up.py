"""Load every kernel of the hot path before the first frame comes, so that no frame waits for a compiler."""

import numpy as np

from cygnet.imaging._crop_window import crop_window
from cygnet.imaging._decode import decode
from cygnet.imaging._encode import encode_png
from cygnet.imaging._errors import DecodeLimits
from cygnet.imaging._histogram import pixel_histogram


def warm_up() -> None:
    """Load and call each kernel once: fast when its machine code is cached, some seconds when it is not."""
    limits = DecodeLimits(max_bytes=1024, max_pixels=16)
    for dtype in (np.uint8, np.uint16):
        frame = decode(encode_png(np.ones((4, 4), dtype)), limits=limits)
        crop_window(frame, 2, 0, 1)
        pixel_histogram(frame)
