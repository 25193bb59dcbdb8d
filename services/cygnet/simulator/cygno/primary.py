"""The truth of an event: what recoiled where, with which energy; cheap, made without the image."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from cygnet.simulator.cygno.presets import Preset
from cygnet.simulator.cygno.seeds import PRIMARY_STREAM, stream_key, uniforms

Recoil = Literal["nuclear", "electronic"]
NUCLEAR: Final = "nuclear"
ELECTRONIC: Final = "electronic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Primary:
    """One recoil.

    `energy_kev`: kinetic energy (of a helium recoil: before quenching). `direction`: unit vector (x along
    columns, y along rows downwards, z away from the GEMs). `position_mm`: vertex (x, y) from the image
    centre. `z_mm`: distance that the vertex' electrons drift.
    """

    event: int
    recoil: Recoil
    energy_kev: float
    direction: tuple[float, float, float]
    position_mm: tuple[float, float]
    z_mm: float


def draw_primary(
    preset: Preset,
    energy_of: Callable[[Recoil, float, float], float],
    seed: int,
    event: int,
    nuclear_share: float,
) -> Primary:
    """Return the recoil of an event: isotropic, in the middle or anywhere on the image, at any drift.

    `energy_of(recoil, z_mm, u)` turns a uniform number into an energy in keV. Each quantity has a uniform
    number of its own: another `nuclear_share` changes the type (and with it the energy) of some events,
    one that is nuclear stays so when the share grows, and nothing else moves.
    """
    of_type, of_energy, of_z, of_polar, of_azimuth, of_x, of_y = uniforms(
        stream_key(seed, event, PRIMARY_STREAM), 7
    )
    recoil: Recoil = NUCLEAR if of_type < nuclear_share else ELECTRONIC
    nearest, farthest = preset.drift_mm
    z_mm = nearest + (farthest - nearest) * of_z
    cosine, azimuth = 1 - 2 * of_polar, 2 * math.pi * of_azimuth
    sine = math.sqrt(1 - cosine * cosine)
    height, width = (0.0, 0.0) if preset.centred else preset.shape
    return Primary(
        event=event,
        recoil=recoil,
        energy_kev=energy_of(recoil, z_mm, of_energy),
        direction=(sine * math.cos(azimuth), sine * math.sin(azimuth), cosine),
        position_mm=((of_x - 0.5) * width * preset.pixel_mm, (of_y - 0.5) * height * preset.pixel_mm),
        z_mm=z_mm,
    )
