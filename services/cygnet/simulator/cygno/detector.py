"""The detector as a function: (seed, event) gives the recoil, the recoil gives the image."""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cygnet.model.errors import BadInputError
from cygnet.simulator.cygno._cloud import light_of
from cygnet.simulator.cygno._noise import add_light, camera_base, dark_frame, noise_table
from cygnet.simulator.cygno.presets import PRESETS, Preset
from cygnet.simulator.cygno.primary import NUCLEAR, Primary, draw_primary
from cygnet.simulator.cygno.seeds import CAMERA_STREAM, LIGHT_STREAM, NOISE_STREAM, stream_key
from cygnet.simulator.cygno.spectra import LEAST_KEV, MOST_KEV, energy_of, within

_FULL_SCALE: Final = 255.0


class Detector:
    """A simulated CYGNO detector; every event is a function of (seed, event), in any order, on any thread.

    preset: a name in `PRESETS`. spectrum: a name in `SPECTRA`, or energies in keV from 1 to 30, all equally
    likely. seed: any integer; `detector_seed` gives each detector of a pipeline its own. noise_level: the
    noise that the school's injector adds, as a share of 255 counts (it uses 0.02: 5.1 counts).
    BadInputError names the field, its value and what is accepted.
    """

    def __init__(
        self,
        preset: str = "sosc",
        *,
        spectrum: str | Sequence[float] = "overlap",
        seed: int = 0,
        noise_level: float = 0.0,
    ) -> None:
        if preset not in PRESETS:
            raise BadInputError(f"preset: {preset!r} is not one; accepted: {', '.join(PRESETS)}")
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise BadInputError(f"seed: {seed!r} is not one; accepted: an integer")
        self.preset: Preset = PRESETS[preset]
        self.seed = seed
        self._energy_of = energy_of(self.preset, spectrum)
        added = _FULL_SCALE * within("noise_level", noise_level, 0, 1)
        self._table = noise_table(math.hypot(self.preset.read_noise, added))
        self._base = np.empty(self.preset.shape, np.float32)
        camera_base(self._key(0, CAMERA_STREAM), self.preset.pedestal, self.preset.fixed_pattern, self._base)

    def primary(self, event: int, nuclear_share: float = 0.5) -> Primary:
        """Return the recoil of an event: nuclear with probability `nuclear_share`, 0 to 1."""
        share = within("nuclear_share", nuclear_share, 0, 1)
        return draw_primary(self.preset, self._energy_of, self.seed, event, share)

    def image(self, event: int, primary: Primary) -> NDArray[Any]:
        """Return the image (H, W), `preset.dtype`, that the camera takes of a recoil.

        Noise and light are drawn for `event`; the recoil may be another than `primary(event)` gives.
        BadInputError: an energy that is not modelled.
        """
        frame = np.empty(self.preset.shape, self.preset.dtype)
        dark_frame(self._key(event, NOISE_STREAM), self._base, self.preset.column_noise, self._table, frame)
        light, top, left = self.light(event, primary)
        add_light(light, top, left, frame)
        return frame

    def light(self, event: int, primary: Primary) -> tuple[NDArray[np.int32], int, int]:
        """Return the counts (h, w) of the recoil's light alone, and where on the image: top, left."""
        preset = self.preset
        height, width = preset.shape
        x, y = primary.position_mm
        return light_of(
            self._key(event, LIGHT_STREAM),
            primary.recoil == NUCLEAR,
            within("energy_kev", primary.energy_kev, LEAST_KEV, MOST_KEV),
            np.array(primary.direction),
            np.array((width / 2 + x / preset.pixel_mm, height / 2 + y / preset.pixel_mm)),
            primary.z_mm,
            preset.pixel_mm,
            preset.light_scale,
            preset.saturation,
            height,
            width,
        )

    def _key(self, event: int, stream: int) -> np.uint64:
        return np.uint64(stream_key(self.seed, event, stream))
