"""What a preprocessor does to a frame, stage by stage."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cygnet.spec.base import Part
from cygnet.spec.rules import Cel, Rule, one_of

_ORDERED = Rule("min must be below max", "min", Cel(holds="self.min < self.max"))
_WHOLE_LEVELS = Rule(
    "levels needs whole numbers for min and max",
    "output",
    Cel(
        holds="self.output != 'levels'"
        " || (double(int(self.min)) == self.min && double(int(self.max)) == self.max)"
    ),
)
_UNDERFLOW = Rule(
    "legacyUnderflow goes with output: fraction",
    "legacyUnderflow",
    Cel(holds="self.output != 'levels' || !self.legacyUnderflow"),
)
_ONE_KIND = one_of("crop", "window", "delay")
Counts = Annotated[float, Field(ge=-(10**15), le=10**15)]


class Crop(Part):
    """Keeps the central window of an image, as a copy."""

    half_window: Annotated[int, Field(ge=1, le=32768)] = 64
    """Half of the side of the window, in pixels."""


class Window(Part):
    """Scales counts between `min` and `max` to 0 … 1 and clips; bounds can change while a run is on."""

    RULES = (_ORDERED, _WHOLE_LEVELS, _UNDERFLOW)

    min: Counts
    """Counts that become 0."""
    max: Counts
    """Counts that become 1."""
    output: Literal["fraction", "levels"] = "fraction"
    """`fraction`: float32 in 0 … 1; `levels`: counts above `min`, exact, in the smallest unsigned type."""
    legacy_underflow: bool = False
    """Reproduce the unsigned underflow of the first notebooks bit for bit (dark pixels turn white)."""

    @model_validator(mode="after")
    def _ordered(self) -> "Window":
        """`min` must be below `max`; `levels` needs whole numbers and goes without `legacyUnderflow`."""
        if not self.min < self.max:
            raise _ORDERED.broken()
        if self.output == "levels" and (self.min != int(self.min) or self.max != int(self.max)):
            raise _WHOLE_LEVELS.broken()
        if self.output == "levels" and self.legacy_underflow:
            raise _UNDERFLOW.broken()
        return self


class Delay(Part):
    """Waits, as slow processing would: for trying out lag and scaling without a load on the machine."""

    seconds: Annotated[float, Field(ge=0, le=3600)]
    """How long each frame takes."""


class Stage(Part):
    """One stage; exactly one kind."""

    RULES = (_ONE_KIND,)

    crop: Crop | None = None
    """Crop to the central window."""
    window: Window | None = None
    """Scale and clip counts."""
    delay: Delay | None = None
    """Wait."""

    @model_validator(mode="after")
    def _exactly_one_kind(self) -> "Stage":
        """Exactly one of `crop`, `window`, `delay` must be given."""
        if sum(kind is not None for kind in (self.crop, self.window, self.delay)) != 1:
            raise _ONE_KIND.broken()
        return self

    @property
    def kind(self) -> Literal["crop", "window", "delay"]:
        """The kind that is given."""
        return "crop" if self.crop else "window" if self.window else "delay"
