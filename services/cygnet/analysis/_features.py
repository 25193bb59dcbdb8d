"""Track features: what a stored crop says of the particle, without any knowledge of the truth.

The largest cluster of light is taken for the track: pedestal subtracted, 2 × 2 pixels binned, smoothed,
and cut at three sigma of its own border's noise, so that the noise an injector adds moves the cut and
not the result. This is the order of CYGNO's reconstruction (arXiv:2007.12508: pedestal, zero
suppression, binning, filter, clusters), with one cluster in place of its density-based search, which
is enough for the one track that a triggered crop holds.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from cygnet.analysis._track_kernel import COLUMNS, measure
from cygnet.model.errors import BadInputError

Floats = npt.NDArray[np.float64]
SMALLEST_SIDE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracks:
    """Features of N crops, each (N,) float64; lengths in pixels, light in counts. NaN: no cluster found."""

    pedestal: Floats
    """Mean of the border (a 28th of the side: 8 px of 224), values beyond 3 sigma clipped away, counts."""
    noise: Floats
    """Standard deviation of the same pixels, scaled from 2 × 2 bins to single pixels, counts."""
    light: Floats
    """Light integral: pedestal-subtracted counts of all pixels in the cluster (arXiv:2007.12508)."""
    pixels: Floats
    """Pixels in the cluster, four to a bin."""
    peak: Floats
    """Highest smoothed value, counts above the pedestal: the peak density."""
    x: Floats
    """Barycentre of the light, column."""
    y: Floats
    """Barycentre of the light, row."""
    length: Floats
    """Extent of the cluster along its principal axis (that of the light's second moments)."""
    width: Floats
    """Extent of the cluster across that axis."""
    rms_long: Floats
    """Standard deviation of the light along the axis; diffusion and the smoothing of 2.5 px included."""
    rms_wide: Floats
    """Standard deviation of the light across the axis, as above."""
    skewness: Floats
    """Absolute third standardised moment along the axis: an electron's Bragg end makes one side heavy."""
    kurtosis: Floats
    """Fourth standardised moment along the axis: about 3 for a spot, 1.8 for an even line."""
    angle: Floats
    """Direction of the axis against the rows, radians, −π/2 … π/2."""
    saturated: Floats
    """Pixels at the largest value of the dtype; their light is lost."""
    at_edge: Floats
    """1 if the cluster touches the crop's edge, so that light and length are lower bounds, else 0."""

    def __len__(self) -> int:
        return len(self.light)

    @property
    def density(self) -> Floats:
        """Light density δ, light integral / pixels above threshold (arXiv:2007.12508), counts/px."""
        return _ratio(self.light, self.pixels)

    @property
    def light_per_pixel(self) -> Floats:
        """Light for each pixel of length, light / length: the track's dE/dx, counts/px."""
        return _ratio(self.light, self.length)

    @property
    def slimness(self) -> Floats:
        """Ratio of width to length, by standard deviations: 1 for a round spot, small for a track."""
        return _ratio(self.rms_wide, self.rms_long)

    @property
    def concentration(self) -> Floats:
        """Peak / light, 1/px²: the inverse of the area that the light would fill at its peak's height."""
        return _ratio(self.peak, self.light)

    def __getitem__(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.int64] | slice) -> "Tracks":
        """Return the chosen crops' features."""
        return Tracks(**{field.name: getattr(self, field.name)[which] for field in fields(self)})


NAMES = (*COLUMNS, "density", "light_per_pixel", "slimness", "concentration")
"""The features by name, the derived ones last."""


def features(crops: npt.ArrayLike) -> Tracks:
    """Return the features of one crop (H, W) or of a stack (N, H, W): counts in any real dtype.

    An odd last row or column is left out. Raises BadInputError for another shape, sides below 16, and
    a dtype that is no real number.
    """
    stack = np.asarray(crops)
    if stack.ndim == 2:
        stack = stack[None]
    if stack.ndim != 3 or min(stack.shape[1:]) < SMALLEST_SIDE:
        raise BadInputError(
            f"crops: shape {stack.shape}; accepted: (H, W) or (N, H, W), sides of at least {SMALLEST_SIDE}"
        )
    if stack.dtype.kind not in "uif":
        raise BadInputError(f"crops: dtype {stack.dtype}; accepted: unsigned, integer or float")
    small = stack.dtype.kind == "u" and stack.dtype.itemsize <= 2
    full = float(np.iinfo(stack.dtype).max) if stack.dtype.kind in "ui" else np.inf
    dtype = stack.dtype.newbyteorder("=") if small else np.dtype(np.float32)
    out = np.empty((len(stack), len(COLUMNS)))
    measure(np.require(stack, dtype, ["C", "A"]), full, out)
    return Tracks(**{name: out[:, column].copy() for column, name in enumerate(COLUMNS)})


def join(parts: "list[Tracks]") -> Tracks:
    """Return the crops of several parts as one, in their order."""
    if not parts:
        return Tracks(**{name: np.empty(0) for name in COLUMNS})
    return Tracks(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS})


def _ratio(above: Floats, below: Floats) -> Floats:
    """Return above / below, NaN where there is nothing to divide by."""
    ratio = np.full(len(above), np.nan)
    np.divide(above, below, out=ratio, where=below > 0)
    return ratio
