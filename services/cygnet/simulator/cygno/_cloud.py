"""From deposits to light on the image: ionisation, drift, avalanche, saturation, photons."""

import math

import numpy as np
from numba import types
from numpy.typing import NDArray

from cygnet.imaging._jit import kernel, writable
from cygnet.simulator.cygno._random import STATE, gamma, poisson, seed_state
from cygnet.simulator.cygno._track import MOST_DEPOSITS, electron_track, helium_track
from cygnet.simulator.cygno.gas import (
    COUNTS_PER_PHOTON,
    ENERGY_PER_ELECTRON_KEV,
    EXTRACTION,
    GEM_GAIN,
    PHOTONS_PER_ELECTRON,
    SOLID_ANGLE,
    VOXEL_DEPTH_MM,
    longitudinal_spread_mm,
    surviving,
    transverse_spread_mm,
)

_VECTOR = writable(types.float64, 1)
_WEIGHTS = writable(types.float32, 1)
_CLOUD = writable(types.float32, 3)
_EXPECTED = writable(types.float32, 2)
LIGHT = writable(types.int32, 2)
_SPAN = types.UniTuple(types.int64, 2)  # type: ignore[no-untyped-call]
_LIGHT_AND_PLACE = types.Tuple((LIGHT, types.int64, types.int64))  # type: ignore[no-untyped-call]

_REACH = 3.5  # standard deviations of a cloud that are followed
_DEPTH_STEP = 2  # a cloud is 5 voxels deep at least: every second one, counted twice, gives the same sum
_SLICE_MM = VOXEL_DEPTH_MM * _DEPTH_STEP
_DARKEST = 1e-6


@kernel(types.float64(STATE, types.float64, types.float64))
def avalanche_electrons(state: NDArray[np.uint64], ionising_kev: float, z_mm: float) -> float:
    """Return the electrons that leave the second GEM for a deposit at drift distance z.

    Ionisation is Poisson with W, each electron survives the drift or not: together that is Poisson of the
    product. The first GEM's gain is a sum of exponentials, one for each electron, the second one's is
    taken at its mean (CYGNO digitization).
    """
    electrons = poisson(state, ionising_kev / ENERGY_PER_ELECTRON_KEV * surviving(z_mm))
    if electrons == 0:
        return 0.0
    return gamma(state, float(electrons)) * GEM_GAIN * EXTRACTION * GEM_GAIN * EXTRACTION


@kernel(_SPAN(types.float64, types.float64, types.int64))
def _span(centre: float, reach: float, size: int) -> tuple[int, int]:
    """Return the cells [first, stop) within `reach` of `centre`, inside 0 … size."""
    first = max(0, math.floor(centre - reach))
    return first, max(first, min(size, math.floor(centre + reach) + 1))


@kernel(types.void(types.float64, types.float64, types.int64, _WEIGHTS))
def _gaussian(centre: float, sigma: float, first: int, weights: NDArray[np.float32]) -> None:
    """Write the shares of a Gaussian in unit cells from `first` on (cell i is centred on i + 0.5)."""
    norm = 1 / (math.sqrt(2 * math.pi) * sigma)
    for i in range(weights.size):
        distance = (first + i + 0.5 - centre) / sigma
        weights[i] = norm * math.exp(-0.5 * distance * distance)


@kernel(types.void(_VECTOR, types.int64, types.int64, types.int64, _WEIGHTS, _WEIGHTS, _WEIGHTS, _CLOUD))
def _add_cloud(
    one: NDArray[np.float64],
    left: int,
    top: int,
    front: int,
    across: NDArray[np.float32],
    down: NDArray[np.float32],
    along: NDArray[np.float32],
    cloud: NDArray[np.float32],
) -> None:
    """Spread one deposit's electrons over the voxels (Z, H, W) that start at (front, top, left)."""
    depth, height, width = cloud.shape
    x, y, z = one[1] - left, one[2] - top, one[3] - front
    first_x, stop_x = _span(x, _REACH * one[4], width)
    first_y, stop_y = _span(y, _REACH * one[4], height)
    first_z, stop_z = _span(z, _REACH * one[5], depth)
    _gaussian(x, one[4], first_x, across[first_x:stop_x])
    _gaussian(y, one[4], first_y, down[first_y:stop_y])
    _gaussian(z, one[5], first_z, along[first_z:stop_z])
    electrons = np.float32(one[0] / _DEPTH_STEP)  # a slice holds two voxels: electrons in one of them
    for k in range(first_z, stop_z):
        of_slice = electrons * along[k]
        for i in range(first_y, stop_y):
            of_row = of_slice * down[i]
            row = cloud[k, i, first_x:stop_x]
            share = across[first_x:stop_x]
            for j in range(row.size):
                row[j] += of_row * share[j]


@kernel(types.void(_CLOUD, types.float64, types.float64, _EXPECTED))
def saturate(cloud: NDArray[np.float32], light_scale: float, beta: float, out: NDArray[np.float32]) -> None:
    """Write the photons expected on each pixel, from the electrons in each voxel before the third GEM.

    cloud: (Z, H, W), out: (H, W). Space charge lowers the third GEM's gain where many electrons meet:
    q = A g n / (1 + beta g n) for each voxel (arXiv:2505.06362 and CYGNO digitization, beta = 1e-5,
    which preset `lime` has; the school's frames need 2.5e-6).
    """
    gain = np.float32(GEM_GAIN)
    charge = np.float32(beta * GEM_GAIN)
    factor = np.float32(light_scale * _DEPTH_STEP * SOLID_ANGLE * PHOTONS_PER_ELECTRON)
    one = np.float32(1)
    out[:] = np.float32(0)
    for k in range(cloud.shape[0]):
        for i in range(cloud.shape[1]):
            row = cloud[k, i]
            target = out[i]
            for j in range(row.size):
                target[j] += factor * (gain * row[j] / (one + charge * row[j]))


@kernel(
    _LIGHT_AND_PLACE(
        types.uint64,
        types.boolean,
        types.float64,
        _VECTOR,
        _VECTOR,
        types.float64,
        types.float64,
        types.float64,
        types.float64,
        types.int64,
        types.int64,
    )
)
def light_of(
    key: np.uint64,
    nuclear: bool,
    energy_kev: float,
    direction: NDArray[np.float64],
    vertex: NDArray[np.float64],
    z_mm: float,
    pixel_mm: float,
    light_scale: float,
    beta: float,
    height: int,
    width: int,
) -> tuple[NDArray[np.int32], int, int]:
    """Return the counts of a recoil's light on a rectangle of the image, and the rectangle's top and left.

    vertex: (2,) pixels (x, y) from the image's corner; direction: (3,), used up. Photons are Poisson, a
    photon gives 2 counts: the variance of the light is twice its counts. Light outside the image is lost.
    """
    state = np.empty(4, np.uint64)
    seed_state(key, state)
    deposits = np.empty((MOST_DEPOSITS, 4))
    end = np.empty(3)
    if nuclear:
        count = helium_track(state, energy_kev, direction, deposits, end)
    else:
        count = electron_track(state, energy_kev, direction, deposits, end)

    clouds = np.empty((count, 6))  # electrons, x, y, z and both spreads, in pixels and slices
    low = np.full(3, 1e9)
    high = np.full(3, -1e9)
    for i in range(count):
        drift = max(0.0, z_mm + deposits[i, 2])
        clouds[i, 0] = avalanche_electrons(state, deposits[i, 3], drift)
        clouds[i, 1] = vertex[0] + deposits[i, 0] / pixel_mm
        clouds[i, 2] = vertex[1] + deposits[i, 1] / pixel_mm
        clouds[i, 3] = deposits[i, 2] / _SLICE_MM
        clouds[i, 4] = transverse_spread_mm(drift) / pixel_mm
        clouds[i, 5] = longitudinal_spread_mm(drift) / _SLICE_MM
        for axis in range(3):
            reach = _REACH * clouds[i, 5 if axis == 2 else 4]
            low[axis] = min(low[axis], clouds[i, 1 + axis] - reach)
            high[axis] = max(high[axis], clouds[i, 1 + axis] + reach)
    left, right = _span(0.5 * (low[0] + high[0]), 0.5 * (high[0] - low[0]), width)
    top, bottom = _span(0.5 * (low[1] + high[1]), 0.5 * (high[1] - low[1]), height)
    front = math.floor(low[2])
    depth = math.floor(high[2]) + 1 - front

    cloud = np.zeros((depth, bottom - top, right - left), np.float32)
    across = np.empty(right - left, np.float32)
    down = np.empty(bottom - top, np.float32)
    along = np.empty(depth, np.float32)
    for i in range(count):
        _add_cloud(clouds[i], left, top, front, across, down, along, cloud)
    expected = np.empty((bottom - top, right - left), np.float32)
    saturate(cloud, light_scale, beta, expected)
    light = np.empty((bottom - top, right - left), np.int32)
    for i in range(bottom - top):
        for j in range(right - left):
            mean = expected[i, j]
            light[i, j] = COUNTS_PER_PHOTON * poisson(state, mean) if mean > _DARKEST else 0
    return light, top, left
