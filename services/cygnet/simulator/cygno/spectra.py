"""Which energies recoils have: the school's six, any list, or such that both types are equally bright."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final

from cygnet.model.errors import BadInputError
from cygnet.simulator.cygno.light_tables import DRIFTS_MM, ENERGIES_KEV, LIGHT_COUNTS
from cygnet.simulator.cygno.presets import Preset
from cygnet.simulator.cygno.primary import ELECTRONIC, NUCLEAR, Recoil

SCHOOL_ENERGIES_KEV: Final = (1.0, 3.0, 6.0, 10.0, 20.0, 30.0)
SPECTRA: Final = ("school", "overlap")
LEAST_KEV: Final = 1.0
MOST_KEV: Final = 30.0
_ACCEPTED: Final = f"{', '.join(SPECTRA)}, or energies from {LEAST_KEV:g} to {MOST_KEV:g} keV"
_LOG_ENERGIES: Final = tuple(math.log(energy) for energy in ENERGIES_KEV)


def energy_of(preset: Preset, spectrum: str | Sequence[float]) -> Callable[[Recoil, float, float], float]:
    """Return the function of (recoil, z_mm, uniform number) that gives an energy in keV.

    `school`: 1, 3, 6, 10, 20 or 30 keV, equally likely, for both types. `overlap`: see `_equally_bright`.
    """
    if spectrum == "overlap":
        return _equally_bright(preset)
    if spectrum == "school":
        return _one_of(SCHOOL_ENERGIES_KEV)
    if isinstance(spectrum, str) or not spectrum:
        raise BadInputError(f"spectrum: {spectrum!r} is not one; accepted: {_ACCEPTED}")
    return _one_of(tuple(within("spectrum", energy, LEAST_KEV, MOST_KEV) for energy in spectrum))


def within(field: str, value: object, least: float, most: float) -> float:
    """Return a number from `least` to `most`; BadInputError names field, value and both."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise BadInputError(f"{field}: {value!r} is refused; accepted: a number from {least:g} to {most:g}")
    return float(value)


def _one_of(energies: Sequence[float]) -> Callable[[Recoil, float, float], float]:
    def energy(_recoil: Recoil, _z_mm: float, u: float) -> float:
        return energies[int(u * len(energies))]

    return energy


def _equally_bright(preset: Preset) -> Callable[[Recoil, float, float], float]:
    """Return energies at which both types have the same distribution in counts.

    So the type cannot be told from the light. Counts are uniform between those of an electron of 1 keV and
    those of a helium recoil of 30 keV (at the event's own drift distance), and the energy is that which
    gives them in the mean.
    """

    def energy(recoil: Recoil, z_mm: float, u: float) -> float:
        nuclear, electronic = (_log_counts(preset, each, z_mm) for each in (NUCLEAR, ELECTRONIC))
        least = math.exp(max(nuclear[0], electronic[0]))
        most = math.exp(min(nuclear[-1], electronic[-1]))
        counts = math.log(least + (most - least) * u)
        own: list[float] = nuclear if recoil == NUCLEAR else electronic
        return math.exp(_interpolated(own, _LOG_ENERGIES, counts))

    return energy


def _log_counts(preset: Preset, recoil: Recoil, z_mm: float) -> list[float]:
    """Return ln(counts) at each of ENERGIES_KEV, counts linear in z between the table's drift distances."""
    drifts = DRIFTS_MM[preset.name]
    rows = LIGHT_COUNTS[preset.name, recoil]
    i = min(max(bisect_right(drifts, z_mm) - 1, 0), len(drifts) - 2)
    share = (z_mm - drifts[i]) / (drifts[i + 1] - drifts[i])
    return [math.log(a + (b - a) * share) for a, b in zip(rows[i], rows[i + 1], strict=True)]


def _interpolated(x: Sequence[float], y: Sequence[float], at: float) -> float:
    """Return y at `at`, linear between the points (x ascending)."""
    i = min(max(bisect_right(x, at) - 1, 0), len(x) - 2)
    return y[i] + (y[i + 1] - y[i]) * (at - x[i]) / (x[i + 1] - x[i])
