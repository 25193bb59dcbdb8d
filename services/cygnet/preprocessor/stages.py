"""The stages of the spec as one function of a stack of images: pure, without the GIL where it is hot."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cygnet.imaging import crop_center, crop_window, window, window_levels
from cygnet.model.errors import BadInputError
from cygnet.spec.stages import Stage
from cygnet.transport.parameters import WindowBounds

Image = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is done to an image, resolved: crop first, then window.

    A pixel's window does not depend on its neighbours, so cropping first gives the same pixels for a
    small part of the work, whatever the order in the spec.
    """

    half_window: int | None
    window: bool
    output: str
    legacy_underflow: bool
    delay_seconds: float

    def apply(self, image: Image, bounds: WindowBounds | None) -> Image:
        """Return the processed copy of one image (H, W) or stack (…, H, W).

        float32 in 0 … 1 after a window with output `fraction` (float64 where it reproduces the unsigned
        underflow of integers), unsigned levels for `levels`, else the dtype of the image. Raises
        BadInputError when the crop does not fit the image.
        """
        self._check_crop(*image.shape[-2:])
        if not self.window or bounds is None:
            return image if self.half_window is None else crop_center(image, self.half_window)
        if self.half_window is not None and self.output == "fraction" and not self.legacy_underflow:
            return crop_window(image, self.half_window, bounds.min, bounds.max)
        if self.half_window is not None:
            image = crop_center(image, self.half_window)
        if self.output == "levels":
            return window_levels(image, int(bounds.min), int(bounds.max))
        return window(image, *bounds.as_written(), legacy_underflow=self.legacy_underflow)

    def _check_crop(self, height: int, width: int) -> None:
        shorter = min(height, width)
        if self.half_window is not None and 2 * self.half_window > shorter:
            raise BadInputError(
                f"crop.halfWindow: {self.half_window} needs {2 * self.half_window} pixels a side, the frame's"
                f" shorter side has {shorter}; accepted: up to {shorter // 2}",
                reason="smaller-than-crop",
            )

    def rows(self, height: int) -> tuple[int, int] | None:
        """Return the rows of an image of `height` that are needed at all, None for all of them."""
        if self.half_window is None or 2 * self.half_window > height:
            return None
        return (height // 2 - self.half_window, height // 2 + self.half_window)


def recipe(stages: Sequence[Stage]) -> Recipe:
    """Resolve the stages of a spec."""
    crop = next((stage.crop for stage in stages if stage.crop), None)
    view = next((stage.window for stage in stages if stage.window), None)
    return Recipe(
        half_window=crop.half_window if crop else None,
        window=view is not None,
        output=view.output if view else "fraction",
        legacy_underflow=view.legacy_underflow if view else False,
        delay_seconds=sum(stage.delay.seconds for stage in stages if stage.delay),
    )
