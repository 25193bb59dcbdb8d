"""Features that a paper could quote: right to some per cent, whatever noise an injector adds."""

import numpy as np
import pytest

from cygnet.analysis import features
from cygnet.model.errors import BadInputError
from unit.analysis.analysis_images import SIDE, image


@pytest.mark.parametrize("noise", [1.4, 5.3])
@pytest.mark.parametrize("light", [4000, 8000, 12000])
def test_light_of_a_spot_is_found_within_some_per_cent_under_any_noise(light, noise):
    tracks = features(np.stack([image(light, seed=seed, noise=noise) for seed in range(10)]))
    assert tracks.light.mean() == pytest.approx(light, rel=0.12)
    assert tracks.light.std() < 0.05 * light


def test_pedestal_and_noise_come_from_the_frame_itself():
    tracks = features(np.stack([image(8000, pedestal=p, noise=n) for p, n in ((90, 2), (110, 5))]))
    assert tracks.pedestal == pytest.approx([90, 110], abs=0.5)
    assert tracks.noise == pytest.approx([2.2, 5.1], rel=0.15)


@pytest.mark.parametrize("angle", [0.0, 0.5, 1.2, -0.7])
def test_an_oblong_track_is_long_in_its_own_direction_wherever_it_points(angle):
    track = features(image(12000, 12, 5, angle=angle))
    assert track.rms_long[0] == pytest.approx(np.hypot(12, 2.6), rel=0.15)  # its ends are below the cut
    assert track.rms_wide[0] == pytest.approx(np.hypot(5, 2.6), rel=0.15)
    assert np.cos(track.angle[0] - angle) ** 2 > 0.98
    assert track.length[0] > 1.5 * track.width[0]
    assert track.slimness[0] < 0.6


def test_a_spot_is_round_and_where_it_was_put():
    track = features(image(9000, at=(100.0, 130.0)))
    assert track.slimness[0] > 0.85
    assert (track.x[0], track.y[0]) == (pytest.approx(100, abs=0.5), pytest.approx(130, abs=0.5))
    assert track.kurtosis[0] == pytest.approx(2.6, abs=0.4)


def test_density_is_light_by_pixels_above_threshold():
    track = features(image(9000))
    assert track.density[0] == pytest.approx(track.light[0] / track.pixels[0])
    assert track.light_per_pixel[0] == pytest.approx(track.light[0] / track.length[0])
    assert features(image(9000, 4, 4)).density[0] > features(image(9000, 12, 5)).density[0]


def test_a_second_faint_spot_does_not_take_the_place_of_the_track():
    bright, faint = (
        image(9000, noise=2).astype(int),
        image(1500, at=(40.0, 40.0), noise=2, seed=1).astype(int),
    )
    track = features((bright + faint - 100).astype(np.uint8))
    assert track.x[0] == pytest.approx(112, abs=0.5)


def test_a_crop_without_light_has_little_of_it_and_an_even_one_none():
    assert features(image(0)).light[0] < 500
    even = features(np.full((SIDE, SIDE), 100, np.uint8))
    assert even.light[0] == 0
    assert np.isnan([even.length[0], even.density[0], even.slimness[0]]).all()


def test_a_track_that_is_cut_off_is_marked():
    assert features(image(9000, at=(2.0, 112.0))).at_edge[0] == 1
    assert features(image(9000)).at_edge[0] == 0


def test_saturated_pixels_are_counted_by_the_range_of_the_type():
    bright = image(60000)
    assert features(bright).saturated[0] == (bright == 255).sum() > 0
    assert features(bright.astype(np.uint16)).saturated[0] == 0


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32, np.float64, ">u2"])
def test_a_track_is_the_same_in_every_dtype(dtype):
    frame = image(8000)
    one, other = features(frame), features(frame.astype(dtype))
    assert other.light == pytest.approx(one.light)
    assert other.rms_long == pytest.approx(one.rms_long)


def test_a_stack_is_measured_as_its_crops_one_by_one():
    frames = [image(light, seed=light) for light in (3000, 6000, 9000)]
    stack = features(np.stack(frames))
    assert stack.light.tolist() == [features(frame).light[0] for frame in frames]
    assert len(stack[1:]) == 2


@pytest.mark.parametrize("shape", [(224,), (2, 8, 224), (1, 2, 64, 64)])
def test_a_wrong_shape_is_refused_by_name(shape):
    with pytest.raises(BadInputError, match=r"crops: shape .* accepted: \(H, W\)"):
        features(np.zeros(shape, np.uint8))


def test_complex_numbers_are_refused_by_name():
    with pytest.raises(BadInputError, match="dtype complex128"):
        features(np.zeros((32, 32), complex))
