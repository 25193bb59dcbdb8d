"""How far recoils go and how much of their energy ionises: the published curves, as functions of energy."""

import math
from typing import Final

from numba import types

from cygnet.imaging._jit import kernel

_SCALAR = types.float64(types.float64)

ELECTRON_RANGE_POWER: Final = 1.761
ELECTRON_PATH_UM: Final = 34.0


@kernel(_SCALAR)
def electron_path_mm(energy_kev: float) -> float:
    """Return the length of an electron's path in the mean: 34 um E^1.761.

    Longer than the displacement, as the electron is scattered: about 2.0 mm at 10 keV and 14 mm at 30 keV
    (slowing-down range). The power is that of the distance from start to end, 22.7 um E^1.761 by a fit to
    the Geant4 curve of arXiv:2007.12508 (figure of ranges), 1 to 100 keV.
    """
    return 1e-3 * ELECTRON_PATH_UM * math.pow(energy_kev, ELECTRON_RANGE_POWER)


@kernel(_SCALAR)
def helium_range_mm(energy_kev: float) -> float:
    """Return how far from its start a helium recoil stops in He:CF4 60/40, in the mean.

    Fit to the SRIM curve of arXiv:2007.12508, 1 to 100 keV: ln R[um] = 3.081 + 0.986 ln E - 0.0308 ln² E.
    """
    log = math.log(energy_kev)
    return 1e-3 * math.exp(3.081 + 0.986 * log - 0.0308 * log * log)


@kernel(_SCALAR)
def helium_spread(energy_kev: float) -> float:
    """Return the standard deviation of a helium recoil's range as a share of the range.

    Fit to the band of the same figure: 0.40 at 1 keV, 0.20 at 30 keV.
    """
    return 0.41 - 0.06 * math.log(energy_kev)


@kernel(_SCALAR)
def helium_quenching(energy_kev: float) -> float:
    """Return the share of a helium recoil's energy that ionises.

    Lindhard et al., Mat. Fys. Medd. Dan. Vid. Selsk. 33 no. 10 (1963): k g / (1 + k g),
    k = 0.133 Z^(2/3) A^(-1/2), g = 3 e^0.15 + 0.7 e^0.6 + e, e = 11.5 E Z^(-7/3). It holds for an ion in
    its own element and nothing was found that measures He in He:CF4: a choice of this model.
    """
    reduced = 11.5 * energy_kev * math.pow(2.0, -7 / 3)
    kg = (
        0.133
        * math.pow(2.0, 2 / 3)
        / 2.0
        * (3 * math.pow(reduced, 0.15) + 0.7 * math.pow(reduced, 0.6) + reduced)
    )
    return kg / (1 + kg)
