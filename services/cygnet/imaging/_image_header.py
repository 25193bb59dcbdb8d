"""What an encoded image says about itself before it is decoded."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

ImageFormat = Literal["png", "jpeg", "tiff"]

GRAY = "8- or 16-bit gray"


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Format, size in pixels and dtype (native uint8 or uint16) of a gray image that can be decoded."""

    format: ImageFormat
    height: int
    width: int
    dtype: np.dtype[np.unsignedinteger]

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.height * self.width

    def __str__(self) -> str:
        """Return format, size and dtype for messages."""
        return f"{self.format.upper()} {self.height}x{self.width} {self.dtype}"
