"""Where a recoil loses its energy: the electron's crooked path, the helium recoil's short straight one."""

import math
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from cygnet.imaging._jit import kernel, writable
from cygnet.simulator.cygno._random import STATE, normal
from cygnet.simulator.cygno.recoils import (
    ELECTRON_RANGE_POWER,
    electron_path_mm,
    helium_quenching,
    helium_range_mm,
    helium_spread,
)

MOST_DEPOSITS = 256  # 30 keV electrons make 107 at most
DEPOSITS = writable(types.float64, 2)
_VECTOR = writable(types.float64, 1)

_SCATTERING_KEV_PER_ROOT_MM = 8.5  # at 30 keV
_SCREENING_KEV = 3.4e-3 * 9**0.67  # of fluorine, which scatters most
_PATH_SPREAD = 0.24
_MOST_SPREADS = 2.4
_LARGEST_STEP_MM = 0.25
_STEP_OF_RANGE = 0.1
_LAST_KEV = 0.2
_DEPOSIT_EVERY_MM = 0.2
_HELIUM_DEPOSITS = 6


@kernel(types.float64(STATE))
def _bounded_normal(state: NDArray[np.uint64]) -> float:
    """Return a standard normal number, drawn again beyond 2.4: a range stays positive, its mean stays."""
    while True:
        drawn = normal(state)
        if abs(drawn) < _MOST_SPREADS:
            return drawn


@kernel(types.void(STATE, types.float64, _VECTOR))
def _scatter(state: NDArray[np.uint64], angle: float, direction: NDArray[np.float64]) -> None:
    """Turn a unit vector by normal angles of standard deviation `angle` (radians) in two planes."""
    first, second = angle * normal(state), angle * normal(state)
    theta = math.sqrt(first * first + second * second)
    if theta == 0:
        return
    x, y, z = direction[0], direction[1], direction[2]
    if abs(z) < 0.9:  # a vector across the direction, from the axis that it is not along
        norm = math.sqrt(x * x + y * y)
        ux, uy, uz = -y / norm, x / norm, 0.0
    else:
        norm = math.sqrt(y * y + z * z)
        ux, uy, uz = 0.0, -z / norm, y / norm
    vx, vy, vz = y * uz - z * uy, z * ux - x * uz, x * uy - y * ux
    along, a, b = math.cos(theta), math.sin(theta) * first / theta, math.sin(theta) * second / theta
    x, y, z = along * x + a * ux + b * vx, along * y + a * uy + b * vy, along * z + a * uz + b * vz
    norm = math.sqrt(x * x + y * y + z * z)
    direction[0], direction[1], direction[2] = x / norm, y / norm, z / norm


@kernel(types.float64(types.float64))
def _log_of_screening(energy_kev: float) -> float:
    """Return the logarithm by which the electrons' cloud of an atom weakens scattering at low energies.

    Screened Rutherford: ln(1 + 1/a) - 1/(1 + a), a = 3.4e-3 Z^0.67 / E[keV] (Joy, Monte Carlo Modeling for
    Electron Microscopy and Microanalysis, 1995).
    """
    a = _SCREENING_KEV / energy_kev
    return math.log(1 + 1 / a) - 1 / (1 + a)


@kernel(types.float64(types.float64, types.float64))
def scattering_angle(energy_kev: float, step_mm: float) -> float:
    """Return the plane angle, in radians, by which an electron is scattered in a step: S √ds / E.

    p v = 2 E for slow electrons in the multiple scattering formula (PDG, Passage of particles through
    matter); S is 8.5 keV mm^-1/2 at 30 keV, and its square falls with the logarithm of screened Rutherford
    scattering, to half of that at 1 keV. Tuned to displacement and spread of arXiv:2007.12508.
    """
    screening = math.sqrt(_log_of_screening(energy_kev) / _log_of_screening(30.0))
    return _SCATTERING_KEV_PER_ROOT_MM * screening * math.sqrt(step_mm) / energy_kev


@kernel(types.int64(STATE, types.float64, _VECTOR, DEPOSITS, _VECTOR))
def electron_track(
    state: NDArray[np.uint64],
    energy_kev: float,
    direction: NDArray[np.float64],
    deposits: NDArray[np.float64],
    end: NDArray[np.float64],
) -> int:
    """Write the deposits (x, y, z in mm from the vertex, keV) of an electron; return how many.

    Energy along the path follows from the path's length left, 34 um E^1.761 (`electron_path_mm`); the
    path's total varies by 24 % (straggling, tuned to the spread of the displacement in arXiv:2007.12508).
    Each step is followed by `scattering_angle`. `direction` (3,) is used up; `end` (3,) receives where the
    electron stops.
    """
    straggling = 1 + _PATH_SPREAD * _bounded_normal(state)
    energy: Any = energy_kev
    left: Any = straggling * electron_path_mm(energy_kev)
    x: Any = 0.0
    y: Any = 0.0
    z: Any = 0.0
    sum_kev: Any = 0.0
    sum_x: Any = 0.0
    sum_y: Any = 0.0
    sum_z: Any = 0.0
    gathered: Any = 0.0
    count: Any = 0
    while energy > 0:
        step = min(_LARGEST_STEP_MM, _STEP_OF_RANGE * left)
        after = energy_kev * ((left - step) / (straggling * electron_path_mm(energy_kev))) ** (
            1 / ELECTRON_RANGE_POWER
        )
        if after < _LAST_KEV:
            step, after = left, 0.0
        lost = energy - after
        sum_kev += lost
        sum_x += lost * (x + 0.5 * step * direction[0])
        sum_y += lost * (y + 0.5 * step * direction[1])
        sum_z += lost * (z + 0.5 * step * direction[2])
        x += step * direction[0]
        y += step * direction[1]
        z += step * direction[2]
        left -= step
        gathered += step
        if gathered >= _DEPOSIT_EVERY_MM or after == 0:
            deposits[count, 0] = sum_x / sum_kev
            deposits[count, 1] = sum_y / sum_kev
            deposits[count, 2] = sum_z / sum_kev
            deposits[count, 3] = sum_kev
            count += 1
            sum_kev = sum_x = sum_y = sum_z = gathered = 0.0
        if after > 0:
            _scatter(state, scattering_angle(0.5 * (energy + after), step), direction)
        energy = after
    end[0], end[1], end[2] = x, y, z
    return int(count)


@kernel(types.int64(STATE, types.float64, _VECTOR, DEPOSITS, _VECTOR))
def helium_track(
    state: NDArray[np.uint64],
    energy_kev: float,
    direction: NDArray[np.float64],
    deposits: NDArray[np.float64],
    end: NDArray[np.float64],
) -> int:
    """Write the deposits (x, y, z in mm from the vertex, ionising keV) of a helium recoil; return how many.

    Straight, with the mean range and spread of arXiv:2007.12508: it is shorter than the diffusion, which
    hides its kinks. Ionisation is what `helium_quenching` leaves of the energy before and after each sixth.
    """
    length = helium_range_mm(energy_kev) * (1 + helium_spread(energy_kev) * _bounded_normal(state))
    whole = helium_range_mm(energy_kev)
    start: Any = 0.0
    for i in range(_HELIUM_DEPOSITS):
        before = energy_kev * (1 - i / _HELIUM_DEPOSITS)
        after = energy_kev * (1 - (i + 1) / _HELIUM_DEPOSITS)
        stop = length
        ionising = before * helium_quenching(before)
        if i + 1 < _HELIUM_DEPOSITS:
            stop = length * (1 - helium_range_mm(after) / whole)
            ionising -= after * helium_quenching(after)
        middle = 0.5 * (start + stop)
        for axis in range(3):
            deposits[i, axis] = middle * direction[axis]
        deposits[i, 3] = ionising
        start = stop
    for axis in range(3):
        end[axis] = length * direction[axis]
    return _HELIUM_DEPOSITS
