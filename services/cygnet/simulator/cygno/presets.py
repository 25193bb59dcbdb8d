"""The cameras that are simulated: geometry, light, noise, each with the anchors that it is tuned to."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One detector and its camera.

    `light_scale` and `saturation` (the beta of `_cloud`) are what a preset is tuned by; its light is
    compared with its own anchors only, as published light yields differ by more than two.
    Noise figures are standard deviations in counts.
    """

    name: str
    shape: tuple[int, int]
    dtype: Literal["uint8", "uint16"]
    pixel_mm: float
    centred: bool  # vertices in the middle of the image, else anywhere on it
    drift_mm: tuple[float, float]  # the least and the greatest drift distance of a vertex
    light_scale: float
    saturation: float
    pedestal: float
    column_noise: float
    fixed_pattern: float
    read_noise: float


SOSC: Final = Preset(
    name="sosc",
    shape=(576, 576),
    dtype="uint8",
    pixel_mm=0.150,
    centred=True,
    drift_mm=(230.0, 270.0),
    light_scale=0.578,
    saturation=2.5e-6,
    pedestal=99.9,
    column_noise=0.86,
    fixed_pattern=0.6,
    read_noise=1.4,
)
"""The frames of the INFN school: pedestal, columns and noise measured on seven of them, 0.150 mm a pixel.

Light: spots of 2.0-2.3 k and 6.3-6.8 k counts and tracks of 19-21 k, for electrons of 3, 10, 30 keV.
"""

LIME: Final = Preset(
    name="lime",
    shape=(2304, 2304),
    dtype="uint16",
    pixel_mm=0.150,
    centred=False,
    drift_mm=(0.0, 500.0),
    light_scale=1.95,
    saturation=1e-5,
    pedestal=100.0,
    column_noise=0.86,
    fixed_pattern=0.6,
    read_noise=2.9,
)
"""LIME: 33x33 cm², 50 cm of drift, one ORCA-Fusion C14440-20UP (346 mm on 2304 pixels; arXiv:2306.16856).

Pedestal: the camera's data sheet (dark offset 100). Read noise: 0.7 electrons at 0.24 electrons a count.
Light: the peak of 55Fe (5.9 keV) at 8415 and 10444 counts in LNGS runs 3 and 4 (CYGNO, public run tables).
Column noise and fixed pattern are those of the school's frames, which come from the same camera.
"""

PRESETS: Final[dict[str, Preset]] = {"sosc": SOSC, "lime": LIME}
