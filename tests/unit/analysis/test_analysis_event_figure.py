"""What is drawn darkest and brightest, for images of any camera."""

import numpy as np
import pytest

from cygnet.analysis._event_figure import Picture, _limits

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("image", "limits"),
    [
        (RANDOM.normal(99, 3, (64, 64)).astype(np.uint8), (80, 110)),
        (np.linspace(0, 1, 64).reshape(8, 8), (0, 1)),
        (np.full((4, 4), np.nan), (0, 1)),
        (np.full((4, 4), 7000, np.uint16), (7000, 7001)),
    ],
)
def test_limits_are_those_of_the_school_for_its_own_images(image, limits):
    assert _limits([Picture(image, "")]) == limits


def test_limits_of_another_camera_hold_nearly_all_of_its_pixels():
    images = [RANDOM.normal(mean, 50, (64, 64)).astype(np.uint16) for mean in (3000, 4000)]
    low, high = _limits([Picture(image, "") for image in images])
    assert 2800 < low < 3000 < 4000 < high < 4200
