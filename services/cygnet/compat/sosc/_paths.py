"""What a file of the school's training set is, by its path."""

from typing import Literal

from cygnet.imaging import energy_kev_from_path, recoil_type_from_path


def get_energy_keV(filename: str) -> float | None:  # noqa: N802 - the notebooks' name
    """Return the energy in keV that a path states in a component `<number>_keV`, else None.

    Equal to both notebooks' wherever both return a value for `{NR,ER}/{energy}_keV/file`. Different: the
    right-most such component counts (2023: the first that holds `_keV`); `3_MeV`, `3_keVee`, `1_000_keV` and
    `nan_keV` are no energies; nothing raises (2023: ValueError for `NR/3_keV.png`; 2024: IndexError or
    ValueError for every path whose second-last component does not begin with a number).
    """
    return energy_kev_from_path(filename)


def get_recoil_type(filename: str) -> Literal["nuclear", "electronic"] | None:
    """Return "nuclear" for a path with a component `NR`, else "electronic" for `ER`, else None; as there."""
    return recoil_type_from_path(filename)
