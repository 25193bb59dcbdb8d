"""Every format that needs no speed of its own goes through Pillow: JPEG, TIFF and interlaced PNG.

The plugin's class is called directly, so that Pillow tries no other format. Sizes are checked between reading
the header and decoding: against the caller's limits, and against Pillow's own, otherwise a mere warning.
"""

import io
import struct
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from cygnet.imaging._errors import DecodeError, Reason
from cygnet.imaging._image_header import GRAY, ImageFormat, ImageHeader

_PLUGINS: dict[ImageFormat, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "png": PngImagePlugin.PngImageFile,
    "jpeg": JpegImagePlugin.JpegImageFile,
    "tiff": TiffImagePlugin.TiffImageFile,
}
_DTYPES: dict[str, np.dtype[np.unsignedinteger]] = {
    "L": np.dtype(np.uint8),
    "I;16": np.dtype(np.uint16),
    "I;16L": np.dtype(np.uint16),
    "I;16B": np.dtype(np.uint16),
}
_NOT_COLOUR = frozenset({"1", "I", "F"})
_TIFF_SAMPLE_FORMAT, _UNSIGNED = 339, 1
_FORMATS = {2: "signed integers", 3: "floats", 5: "complex integers", 6: "complex floats"}
_TIFF_MIN_IS_WHITE = 0

_warnings_are_ours = threading.Lock()
"""Warning filters belong to the process: ours touch only what Pillow warns of, from one thread at a time.
Reading a header is Python code that holds the GIL, so the lock costs nothing; decoding stays outside.
"""


def open_image(body: memoryview, name: ImageFormat) -> tuple[ImageFile.ImageFile, ImageHeader]:
    """Return Pillow's image, nothing decoded yet, and its header; DecodeError unless 8- or 16-bit gray."""
    try:
        with _warnings_are_ours, warnings.catch_warnings():
            warnings.filterwarnings("error", module=r"PIL\.")
            image = _PLUGINS[name](io.BytesIO(body))
    except Exception as error:  # Pillow's parsers raise nearly everything on hostile bytes
        raise DecodeError(
            _reason(error), f"the {name.upper()}'s header cannot be read: {_said(error)}"
        ) from error
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _check_tiff(image)
    dtype = _DTYPES.get(image.mode)
    if dtype is None:
        reason: Reason = "unsupported" if image.mode in _NOT_COLOUR else "colour"
        raise DecodeError(reason, f"the {name.upper()}'s mode is {image.mode}; accepted: {GRAY}")
    width, height = image.size
    header = ImageHeader(name, height, width, dtype)
    largest = Image.MAX_IMAGE_PIXELS
    if largest is not None and header.pixels > largest:
        raise DecodeError(
            "too-large", f"{header} holds {header.pixels} pixels; accepted by Pillow: {largest}"
        )
    return image, header


def decode_image(image: ImageFile.ImageFile, header: ImageHeader, rows: tuple[int, int]) -> NDArray[Any]:
    """Return rows [start, stop) of an opened image as a native array; DecodeError if it is damaged."""
    try:
        image.load()
        pixels = np.asarray(image)
    except Exception as error:  # as above
        raise DecodeError(_reason(error), f"{header} cannot be decoded: {_said(error)}") from error
    if pixels.shape != (header.height, header.width):
        raise DecodeError("corrupt", f"{header} decodes to {pixels.shape}")
    return np.array(pixels[slice(*rows)], header.dtype)


def _check_tiff(image: TiffImagePlugin.TiffImageFile) -> None:
    """Refuse what Pillow would pass over in silence: signed pixels, an inverted scale, further pages."""
    formats = image.tag_v2.get(_TIFF_SAMPLE_FORMAT, (_UNSIGNED,))
    if any(value != _UNSIGNED for value in formats):
        raise DecodeError(
            "unsupported",
            f"the TIFF's pixels are {_FORMATS.get(formats[0], 'of an unknown kind')} (its tag SampleFormat is"
            f" {formats[0]}); accepted: {GRAY}, or floats as .npy",
        )
    if image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == _TIFF_MIN_IS_WHITE:
        raise DecodeError("unsupported", "the TIFF's scale is inverted (MinIsWhite); accepted: MinIsBlack")
    if getattr(image, "is_animated", False):  # a second page is announced; its header is not read
        raise DecodeError("unsupported", "the TIFF has more than one page; accepted: one")


def _reason(error: Exception) -> Reason:
    cut_off = isinstance(error.__cause__ or error, struct.error) or "truncated" in str(error).lower()
    return "truncated" if cut_off else "corrupt"


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
