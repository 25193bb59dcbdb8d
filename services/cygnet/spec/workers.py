"""The workers of a pipeline: what they do to a frame, how many they are, what they refuse."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cygnet.spec.base import GIB, KIB, MIB, HttpOrigin, Part
from cygnet.spec.rules import Cel, Rule
from cygnet.spec.stages import Stage, Window

_REPLICAS = Rule(
    "minReplicas must not exceed maxReplicas",
    "minReplicas",
    Cel(holds="self.minReplicas <= self.maxReplicas"),
)
_ONE_STAGE = {
    kind: Rule(
        f"at most one {kind} stage",
        "stages",
        Cel(holds=f"self.stages.filter(stage, has(stage.{kind})).size() <= 1"),
    )
    for kind in ("crop", "window")
}


class Scaling(Part):
    """How many preprocessors there are, and who decides it."""

    RULES = (_REPLICAS,)

    mode: Literal["auto", "external"] = "auto"
    """`auto`: Cygnet decides by lag; `external`: whoever writes the scale subresource."""
    min_replicas: Annotated[int, Field(ge=0, le=1000)] = 1
    """Never fewer workers."""
    max_replicas: Annotated[int, Field(ge=1, le=1000)] = 4
    """Never more workers."""
    target_lag_seconds: Annotated[float, Field(ge=1, le=86400)] = 30
    """A backlog is to be worked off in this time."""
    utilization: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Share of a worker's capacity that steady load may use."""
    scale_down_window_seconds: Annotated[int, Field(ge=0, le=86400)] = 300
    """Workers go only when demand was lower for so long; longer than the gap between two beams."""
    dry_run: bool = False
    """Decide and report, change nothing."""

    @model_validator(mode="after")
    def _ordered(self) -> "Scaling":
        """`minReplicas` must not exceed `maxReplicas`."""
        if self.min_replicas > self.max_replicas:
            raise _REPLICAS.broken()
        return self


class ImageLimits(Part):
    """Bounds that a frame must keep before anything is decoded."""

    max_bytes: Annotated[int, Field(ge=KIB, le=GIB)] = 64 * MIB
    """Largest stored or inline frame."""
    max_pixels: Annotated[int, Field(ge=1, le=1 << 30)] = 64 * MIB
    """Most pixels in an image."""


class Preprocessor(Part):
    """Workers that fetch, decode and process frames."""

    RULES = tuple(_ONE_STAGE.values())

    replicas: Annotated[int, Field(ge=0, le=1000)] = 1
    """Written by the scale subresource only."""
    stages: Annotated[list[Stage], Field(max_length=16)] = []
    """What is done to a frame, in order; empty: frames are stored as they are."""
    scaling: Scaling = Scaling()
    """How many workers there are."""
    url_allow_list: Annotated[list[HttpOrigin], Field(max_length=64)] = []
    """Schemes, hosts and ports that announced URLs may point at, beside the pipeline's own S3."""
    image_limits: ImageLimits = ImageLimits()
    """Bounds that a frame must keep."""
    fetch_timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 10
    """Time that a fetch may take, from connection to last byte."""

    @model_validator(mode="after")
    def _one_of_each(self) -> "Preprocessor":
        """At most one stage is a crop and at most one a window."""
        kinds: list[str] = [stage.kind for stage in self.stages]
        for kind, rule in _ONE_STAGE.items():
            if kinds.count(kind) > 1:
                raise rule.broken("stages", str(len(kinds) - 1 - kinds[::-1].index(kind)))
        return self

    @property
    def window(self) -> Window | None:
        """The window stage, if there is one."""
        return next((stage.window for stage in self.stages if stage.window), None)
