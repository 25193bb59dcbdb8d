"""What happens to the ionisation on its way to the camera: drift, diffusion, gain; published figures."""

import math
from typing import Final

from numba import types

from cygnet.imaging._jit import kernel

_SCALAR = types.float64(types.float64)

ENERGY_PER_ELECTRON_KEV: Final = 0.0462
"""W of He:CF4 60/40, in keV for an ion pair (CYGNO digitization, public configuration)."""

ATTACHMENT_MM: Final = 1000.0
GEM_VOLTAGE: Final = 440.0
GEM_GAIN: Final = 0.0347 * math.exp(0.0209 * GEM_VOLTAGE)
"""Gain of one GEM at 440 V, about 342: 0.0347 exp(0.0209 V) (CYGNO digitization)."""

EXTRACTION: Final = 0.873 * math.exp(-0.002 * GEM_VOLTAGE)
"""Share of electrons that leave a GEM at 440 V, 0.362: 0.873 exp(-0.002 V) (CYGNO digitization)."""

PHOTONS_PER_ELECTRON: Final = 0.07
COUNTS_PER_PHOTON: Final = 2
SOLID_ANGLE: Final = 1 / (4 * (346 / 14.976 + 1) * 0.95) ** 2
"""Share of the light that the lens gathers, 1.19e-4: 1/(4 (d + 1) a)², aperture a = 0.95, d = 346/14.976."""

VOXEL_DEPTH_MM: Final = 0.1
"""Saturation is reckoned in voxels of a pixel's area and 0.1 mm along the drift (CYGNO digitization)."""


@kernel(_SCALAR)
def transverse_spread_mm(z_mm: float) -> float:
    """Return sigma_T of an electron cloud after a drift of z: sqrt(0.1225 + 0.01232 z[cm]) mm.

    350 um of the GEMs (+) 111 um/sqrt(cm) of the drift (CYGNO digitization, after arXiv:2007.00608); LEMON's
    set, 300 (+) 140, is not used.
    """
    return math.sqrt(0.1225 + 0.001232 * z_mm)


@kernel(_SCALAR)
def longitudinal_spread_mm(z_mm: float) -> float:
    """Return sigma_L of an electron cloud after a drift of z: sqrt(0.0676 + 0.00978 z[cm]) mm (as above)."""
    return math.sqrt(0.0676 + 0.000978 * z_mm)


@kernel(_SCALAR)
def surviving(z_mm: float) -> float:
    """Return the share of electrons that survive a drift of z, exp(-z / 1000 mm) (CYGNO digitization)."""
    return math.exp(-z_mm / ATTACHMENT_MM)
