"""The one door for encoded images: foreign bytes in, a gray array or a clear refusal out."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cygnet.imaging._arguments import integer
from cygnet.imaging._errors import DecodeError, DecodeLimits, refusal
from cygnet.imaging._image_header import ImageHeader
from cygnet.imaging._pillow import decode_image, open_image
from cygnet.imaging._png import decode_png, image_data, is_interlaced, read_png_header
from cygnet.imaging._sniff import image_format

Body = bytes | bytearray | memoryview

_SNIFFED_BYTES = 1024


def image_header(body: Body, content_type: str | None = None, *, limits: DecodeLimits) -> ImageHeader:
    """Return format, height, width and dtype of an encoded image without decoding it. Errors as `decode`."""
    view = _checked(body, limits)
    name = image_format(bytes(view[:_SNIFFED_BYTES]), content_type)
    header = read_png_header(view) if name == "png" else open_image(view, name)[1]
    limits.check_pixels(header.pixels, str(header))
    return header


def decode(
    body: Body,
    content_type: str | None = None,
    *,
    limits: DecodeLimits,
    rows: tuple[int, int] | None = None,
    expected_dtype: DTypeLike | None = None,
) -> NDArray[Any]:
    """Return a gray PNG, JPEG or TIFF as a native uint8 or uint16 array (H, W), writable and its own.

    `content_type`, if it names an image type, must be that of the bytes. `rows` (start, stop) gives (stop -
    start, W); of a PNG nothing below is inflated. `expected_dtype` refuses an image of another depth. Safe
    in many threads; inflating, unfiltering and Pillow's decoding release the GIL.

    DecodeError, with `reason`, before anything is allocated: empty, too-large, not-an-image, type-mismatch,
    colour, unsupported, wrong-dtype, geometry (rows beyond the image); then truncated, corrupt. ValueError:
    `rows` that are no rows of any image.
    """
    view = _checked(body, limits)
    name = image_format(bytes(view[:_SNIFFED_BYTES]), content_type)
    opened, header = (None, read_png_header(view)) if name == "png" else open_image(view, name)
    limits.check_pixels(header.pixels, str(header))
    if expected_dtype is not None and header.dtype != np.dtype(expected_dtype):
        raise DecodeError("wrong-dtype", f"the image is {header}; accepted: {np.dtype(expected_dtype)}")
    needed = _needed_rows(rows, header)
    if opened is None and not is_interlaced(view):
        return decode_png(view, header, needed)
    if opened is None:
        image_data(view)  # Pillow is lenient with damaged chunks
        opened, header = open_image(view, name)
    return decode_image(opened, header, needed)


def _checked(body: Body, limits: DecodeLimits) -> memoryview:
    view = memoryview(body).cast("B")
    limits.check_body(len(view))
    return view


def _needed_rows(rows: tuple[int, int] | None, header: ImageHeader) -> tuple[int, int]:
    if rows is None:
        return 0, header.height
    accepted = "(start, stop) with 0 <= start < stop"
    start, stop = (integer("rows", row, accepted) for row in rows)
    if not 0 <= start < stop:
        raise refusal("rows", rows, accepted)
    if stop > header.height:
        raise DecodeError("geometry", f"rows {start} to {stop} are needed, but the image is {header}")
    return start, stop
