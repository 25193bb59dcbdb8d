"""What is wrong with a frame is said of the frame, in words that help whoever made it."""

import pytest

from cygnet.imaging import DecodeError, DecodeLimits
from cygnet.model.frame import Frame
from cygnet.model.identity import FrameId
from cygnet.preprocessor.images import to_array
from cygnet.preprocessor.stages import recipe
from cygnet.spec.sources import ExpectedFrame


def test_a_damaged_npy_is_said_to_be_damaged_not_to_be_no_png():
    frame = Frame(
        id=FrameId("run", "cam", 1), time_ns=0, body=b"\x93NUMPY cut", content_type="application/x-npy"
    )
    with pytest.raises(DecodeError, match="the array is damaged") as caught:
        to_array(
            frame,
            DecodeLimits(max_bytes=1 << 20, max_pixels=1 << 20),
            ExpectedFrame(),
            recipe([]),
        )
    assert "image/png" not in str(caught.value)
