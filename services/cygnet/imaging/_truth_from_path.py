"""What the CYGNO data sets write into a file's path: the energy and type of the simulated recoil."""

import re
from pathlib import PurePath
from typing import Literal

_ENERGY = re.compile(r"([0-9]+(?:\.[0-9]+)?)_keV")


def energy_kev_from_path(path: str | PurePath) -> float | None:
    """Return the energy in keV of the right-most path component `<number>_keV`, or None if there is none.

    The whole component must match: `3_keV` is 3.0, while `3_MeV`, `-3_keV`, `3_keVee` and `3_keV.png` say
    nothing.
    """
    for component in reversed(_components(path)):
        if match := _ENERGY.fullmatch(component):
            return float(match[1])
    return None


def recoil_type_from_path(path: str | PurePath) -> Literal["nuclear", "electronic"] | None:
    """Return "nuclear" for a path component `NR`, else "electronic" for `ER`, else None."""
    components = _components(path)
    if "NR" in components:
        return "nuclear"
    if "ER" in components:
        return "electronic"
    return None


def _components(path: str | PurePath) -> list[str]:
    return (path.as_posix() if isinstance(path, PurePath) else path).split("/")
