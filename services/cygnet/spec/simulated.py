"""The simulated detector as a source: what it is, when its events come, how its frames travel."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cygnet.spec.base import EventCount, Part, Rate
from cygnet.spec.rules import Cel, Rule

Share = Annotated[float, Field(ge=0, le=1)]
BurstSeconds = Annotated[float, Field(ge=0.1, le=86400)]
_UNTIMED = {
    "arrivals": "self.arrivals != 'poisson'",
    "burst": "!has(self.burst)",
    "modulation": "!has(self.modulation)",
    "timeScale": "self.timeScale == 1.0",
}
_TIMED = {
    field: Rule(
        f"{field} needs rateHz: without a rate there is no simulated time",
        field,
        Cel(holds=f"{untimed} || has(self.rateHz)"),
    )
    for field, untimed in _UNTIMED.items()
}
_IS_SHARE = Rule(
    "nuclearShare + 2 × modulation.amplitude must not exceed 1: it is a share",
    "modulation.amplitude",
    Cel(holds="!has(self.modulation) || self.nuclearShare + 2.0 * self.modulation.amplitude <= 1.0"),
)
_EIGHT_BIT = Rule(
    "a JPEG has 8 bits and preset lime 16; accepted for encoding: png, or a codec",
    "encoding",
    Cel(holds="self.encoding != 'jpeg' || self.preset != 'lime'"),
)
_QUALITY = Rule(
    "jpegQuality goes with encoding: jpeg",
    "jpegQuality",
    Cel(holds="!has(self.jpegQuality) || self.encoding == 'jpeg'"),
)


class Burst(Part):
    """Beam that comes and goes: events come at `rateHz` while it is on, and none while it is off."""

    on_seconds: BurstSeconds
    """How long the beam is on, in simulated time; a run begins with it."""
    off_seconds: BurstSeconds
    """How long it is off afterwards."""


class Modulation(Part):
    """A share of nuclear recoils that swings: p(t) = nuclearShare + amplitude·(1 + sin(2πt/T + φ))."""

    amplitude: Annotated[float, Field(gt=0, le=0.5)]
    """Half of the way between the smallest share, which is `nuclearShare`, and the largest."""
    period_seconds: Annotated[float, Field(gt=0, le=1_000_000_000)]
    """T, in simulated time."""
    phase: Annotated[float, Field(ge=-6.3, le=6.3)] = 0
    """φ, in radians: at the start of the run."""


class SimulatedSource(Part):
    """Makes events of a detector model; event n of a seed is always the same, and its truth is kept."""

    RULES = (*_TIMED.values(), _IS_SHARE, _EIGHT_BIT, _QUALITY)

    model: Literal["cygno"]
    """Which detector: CYGNO's optical time projection chamber, with electron and helium recoils of 1 to 30
    keV."""
    preset: Literal["sosc", "lime"] = "sosc"
    """`sosc`: the school's frames, 576 × 576 uint8, vertex at the centre; `lime`: 2304 × 2304 uint16,
    vertices anywhere."""
    spectrum: Literal["school", "overlap"] = "overlap"
    """`school`: both recoils at 1, 3, 6, 10, 20 and 30 keV; `overlap`: energies such that brightness alone
    does not tell them apart."""
    seed: Annotated[int, Field(ge=0, le=2**53 - 1)] = 0
    """Another seed gives other events; sources of other names differ under the same seed."""
    nuclear_share: Share = 0.5
    """Share of nuclear recoils among the events; with a modulation, its smallest value."""
    modulation: Modulation | None = None
    """Let the share swing with time; absent: it is constant."""
    noise_level: Share = 0
    """Noise that is added to each pixel, its standard deviation as a part of 255 counts; the school's
    injector adds 0.02."""
    rate_hz: Rate | None = None
    """Events per simulated second; absent: as fast as back-pressure allows, with times 1 ms apart."""
    arrivals: Literal["fixed", "poisson"] = "fixed"
    """`fixed`: equal distances; `poisson`: at random, `rateHz` in the mean."""
    burst: Burst | None = None
    """Let the beam come and go; absent: it is always on."""
    time_scale: Annotated[float, Field(gt=0, le=1_000_000)] = 1
    """Simulated seconds in a second: at 10, an hour of data comes in six minutes. Events keep their simulated
    times."""
    events_per_run: EventCount | None = None
    """Events in a run; absent: until the run is ended."""
    encoding: Literal["png", "jpeg", "identity", "zstd", "lz4", "bslz4", "blosc2"] = "png"
    """How a frame travels: as an image file, or as an array under one of the codecs."""
    jpeg_quality: Annotated[int, Field(ge=1, le=100)] | None = None
    """Quality of a JPEG; absent: 80, as the school's injector has it."""

    @model_validator(mode="after")
    def _timed(self) -> "SimulatedSource":
        """`arrivals: poisson`, `burst`, `modulation` and `timeScale` need `rateHz`."""
        for field, given in (
            ("arrivals", self.arrivals == "poisson"),
            ("burst", self.burst is not None),
            ("modulation", self.modulation is not None),
            ("timeScale", self.time_scale != 1),
        ):
            if given and self.rate_hz is None:
                raise _TIMED[field].broken()
        return self

    @model_validator(mode="after")
    def _is_share(self) -> "SimulatedSource":
        """`nuclearShare` + 2 · `modulation.amplitude`, the largest share, must not exceed 1."""
        if self.modulation and self.nuclear_share + 2 * self.modulation.amplitude > 1:
            raise _IS_SHARE.broken()
        return self

    @model_validator(mode="after")
    def _encodable(self) -> "SimulatedSource":
        """A JPEG has 8 bits: not for preset lime. `jpegQuality` goes with `encoding: jpeg`."""
        if self.encoding == "jpeg" and self.preset == "lime":
            raise _EIGHT_BIT.broken()
        if self.jpeg_quality is not None and self.encoding != "jpeg":
            raise _QUALITY.broken()
        return self
