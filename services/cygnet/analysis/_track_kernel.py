"""The kernel that finds the brightest cluster of a crop and measures it: one pass for each image, no GIL."""

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from cygnet.imaging._jit import kernel, read_only, writable

COLUMNS = (
    "pedestal",
    "noise",
    "light",
    "pixels",
    "peak",
    "x",
    "y",
    "length",
    "width",
    "rms_long",
    "rms_wide",
    "skewness",
    "kurtosis",
    "angle",
    "saturated",
    "at_edge",
)
"""What a row of the kernel's output holds; `Tracks` says what each is."""

_BORDER_PART = 28  # the border that gives the pedestal is a 28th of the shorter side wide, 8 px of 224
_CLIPPINGS = 4
_CLIP_SIGMA = 3.0
_THRESHOLD_SIGMA = 3.0
_TAPS = np.array([1, 6, 15, 20, 15, 6, 1], np.float32) / np.float32(64)  # binomial: a Gaussian of 1.22 bins
_REACH = 3
_IMAGE = writable(types.float32, 2)
_STRIP = writable(types.float64, 2)
_ROW = writable(types.float64, 1)


@kernel(types.void(_IMAGE, types.int64, _ROW))
def _border(image: NDArray[np.float32], border: int, out: NDArray[np.float64]) -> None:
    """Write mean and standard deviation of the pixels at the border, those beyond 3 sigma clipped away."""
    height, width = image.shape
    low, high = -np.inf, np.inf
    mean, sigma = 0.0, 0.0
    for _ in range(_CLIPPINGS):
        count, total, squares = 0, 0.0, 0.0
        offset = mean  # so that squares of large numbers are not subtracted from each other
        for i in range(height):
            inside = border <= i < height - border
            for j in range(width):
                if inside and border <= j < width - border:
                    continue
                value = image[i, j]
                if low <= value <= high:
                    count += 1
                    total += value - offset
                    squares += (value - offset) ** 2
        if count == 0:
            break
        mean = offset + total / count
        sigma = np.sqrt(max(squares / count - (total / count) ** 2, 0.0))
        low, high = mean - _CLIP_SIGMA * sigma, mean + _CLIP_SIGMA * sigma
    out[0], out[1] = mean, sigma


@kernel(types.void(_IMAGE, _IMAGE, _IMAGE))
def _smooth(image: NDArray[np.float32], between: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Write the image folded with the binomial of seven taps in both directions; edges are repeated."""
    height, width = image.shape
    for i in range(height):
        for j in range(width):
            value = np.float32(0)
            for k in range(-_REACH, _REACH + 1):
                value += _TAPS[k + _REACH] * image[min(max(i + k, 0), height - 1), j]
            between[i, j] = value
    for i in range(height):
        for j in range(_REACH):
            out[i, j] = 0
            out[i, width - 1 - j] = 0
            for k in range(-_REACH, _REACH + 1):
                out[i, j] += _TAPS[k + _REACH] * between[i, max(j + k, 0)]
                out[i, width - 1 - j] += _TAPS[k + _REACH] * between[i, min(width - 1 - j + k, width - 1)]
        for j in range(_REACH, width - _REACH):
            value = np.float32(0)
            for k in range(-_REACH, _REACH + 1):
                value += _TAPS[k + _REACH] * between[i, j + k]
            out[i, j] = value


@kernel(types.int64(_IMAGE, _IMAGE, types.float32, writable(types.int32, 2), writable(types.int32, 1)))
def _brightest(
    bins: NDArray[np.float32],
    smooth: NDArray[np.float32],
    threshold: np.float32,
    label: NDArray[np.int32],
    stack: NDArray[np.int32],
) -> int:
    """Label the clusters above the threshold, diagonal neighbours too; return the one with most light."""
    height, width = smooth.shape
    label[:] = 0
    found, best, most = 0, 0, np.float32(0)
    for start in range(height * width):
        if label[start // width, start % width] or smooth[start // width, start % width] <= threshold:
            continue
        found += 1
        light = np.float32(0)
        label[start // width, start % width] = found
        stack[0] = start
        waiting = 1
        while waiting:
            waiting -= 1
            i, j = stack[waiting] // width, stack[waiting] % width
            light += bins[i, j]
            for k in range(max(i - 1, 0), min(i + 2, height)):
                for m in range(max(j - 1, 0), min(j + 2, width)):
                    if label[k, m] == 0 and smooth[k, m] > threshold:
                        label[k, m] = found
                        stack[waiting] = k * width + m
                        waiting += 1
        if light > most:
            best, most = found, light
    return best


@kernel(types.void(_IMAGE, _IMAGE, writable(types.int32, 2), types.int64, _ROW))
def _describe(
    bins: NDArray[np.float32],
    smooth: NDArray[np.float32],
    label: NDArray[np.int32],
    cluster: int,
    row: NDArray[np.float64],
) -> None:
    """Write light, extent and moments of one cluster; lengths in pixels, of which a bin has two by two."""
    height, width = smooth.shape
    area, light, weight, sx, sy, sxx, syy, sxy, peak = 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    edge = False
    for i in range(height):
        for j in range(width):
            if label[i, j] != cluster:
                continue
            w = smooth[i, j]
            area += 1
            light += bins[i, j]
            peak = max(peak, w)
            weight += w
            sx += w * j
            sy += w * i
            sxx += w * j * j
            syy += w * i * i
            sxy += w * i * j
            edge = edge or i == 0 or j == 0 or i == height - 1 or j == width - 1
    x, y = sx / weight, sy / weight
    cxx, cyy, cxy = sxx / weight - x * x, syy / weight - y * y, sxy / weight - x * y
    middle, half = (cxx + cyy) / 2, np.sqrt(((cxx - cyy) / 2) ** 2 + cxy * cxy)
    angle = 0.5 * np.arctan2(2 * cxy, cxx - cyy)
    cos, sin = np.cos(angle), np.sin(angle)
    first, last, left, right, third, fourth = np.inf, -np.inf, np.inf, -np.inf, 0.0, 0.0
    for i in range(height):
        for j in range(width):
            if label[i, j] != cluster:
                continue
            along, across = (j - x) * cos + (i - y) * sin, (i - y) * cos - (j - x) * sin
            first, last = min(first, along), max(last, along)
            left, right = min(left, across), max(right, across)
            third += smooth[i, j] * along**3
            fourth += smooth[i, j] * along**4
    long2, wide2 = max(middle + half, 0.0), max(middle - half, 0.0)
    row[2], row[3], row[4] = 4 * light, 4 * area, peak
    row[5], row[6] = 2 * x + 0.5, 2 * y + 0.5
    row[7], row[8] = 2 * (last - first + 1), 2 * (right - left + 1)
    row[9], row[10] = 2 * np.sqrt(long2), 2 * np.sqrt(wide2)
    row[11] = abs(third) / weight / long2**1.5 if long2 > 0 else 0.0
    row[12] = fourth / weight / long2**2 if long2 > 0 else 0.0
    row[13], row[15] = angle, 1.0 if edge else 0.0


@kernel(
    *(
        types.void(read_only(dtype, 3), types.float64, _STRIP)
        for dtype in (types.uint8, types.uint16, types.float32)
    )
)
def measure(frames: NDArray[Any], full: float, out: NDArray[np.float64]) -> None:
    """Write a row for each crop, columns as in `COLUMNS`; without a cluster light is 0 and the shape NaN.

    frames: (N, H, W), sides of at least 16; full: the value at which a pixel is saturated; out: (N, 16).
    """
    count, height, width = frames.shape
    rows, columns = height // 2, width // 2
    border = max(min(rows, columns) // _BORDER_PART, 2)
    bins = np.empty((rows, columns), np.float32)
    between = np.empty((rows, columns), np.float32)
    smooth = np.empty((rows, columns), np.float32)
    label = np.empty((rows, columns), np.int32)
    stack = np.empty(rows * columns, np.int32)
    level = np.empty(2)
    for n in range(count):
        frame, row = frames[n], out[n]
        saturated = 0.0
        for i in range(rows):
            for j in range(columns):
                a, b = np.float32(frame[2 * i, 2 * j]), np.float32(frame[2 * i, 2 * j + 1])
                c, d = np.float32(frame[2 * i + 1, 2 * j]), np.float32(frame[2 * i + 1, 2 * j + 1])
                saturated += (a >= full) + (b >= full) + (c >= full) + (d >= full)
                bins[i, j] = np.float32(0.25) * ((a + b) + (c + d))
        row[:] = np.nan
        _border(bins, border, level)
        row[0], row[1] = level[0], 2 * level[1]
        row[2], row[3], row[14], row[15] = 0.0, 0.0, saturated, 0.0
        pedestal = np.float32(row[0])
        for i in range(rows):
            for j in range(columns):
                bins[i, j] -= pedestal
        _smooth(bins, between, smooth)
        _border(smooth, border, level)
        threshold = np.float32(max(level[0] + _THRESHOLD_SIGMA * level[1], 1e-6))
        cluster = _brightest(bins, smooth, threshold, label, stack)
        if cluster:
            _describe(bins, smooth, label, cluster, row)
