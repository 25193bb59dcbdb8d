"""Pure functions on images: decode, encode, crop, window, histogram; every public name loads at first use."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cygnet.imaging._codecs import CODECS, compress, decompress
    from cygnet.imaging._crop import center_rows, crop_center
    from cygnet.imaging._crop_window import crop_window
    from cygnet.imaging._decode import decode, image_header
    from cygnet.imaging._encode import encode_jpeg, encode_png
    from cygnet.imaging._errors import DecodeError, DecodeLimits, Reason
    from cygnet.imaging._histogram import pixel_histogram
    from cygnet.imaging._image_header import ImageHeader
    from cygnet.imaging._npy import read_npy
    from cygnet.imaging._truth_from_path import energy_kev_from_path, recoil_type_from_path
    from cygnet.imaging._warm_up import warm_up
    from cygnet.imaging._window import window, window_levels

__all__ = [
    "CODECS",
    "DecodeError",
    "DecodeLimits",
    "ImageHeader",
    "Reason",
    "center_rows",
    "compress",
    "crop_center",
    "crop_window",
    "decode",
    "decompress",
    "encode_jpeg",
    "encode_png",
    "energy_kev_from_path",
    "image_header",
    "pixel_histogram",
    "read_npy",
    "recoil_type_from_path",
    "warm_up",
    "window",
    "window_levels",
]

_MODULE_OF = {
    "CODECS": "_codecs",
    "DecodeError": "_errors",
    "DecodeLimits": "_errors",
    "ImageHeader": "_image_header",
    "Reason": "_errors",
    "center_rows": "_crop",
    "compress": "_codecs",
    "crop_center": "_crop",
    "crop_window": "_crop_window",
    "decode": "_decode",
    "decompress": "_codecs",
    "encode_jpeg": "_encode",
    "encode_png": "_encode",
    "energy_kev_from_path": "_truth_from_path",
    "image_header": "_decode",
    "pixel_histogram": "_histogram",
    "read_npy": "_npy",
    "recoil_type_from_path": "_truth_from_path",
    "warm_up": "_warm_up",
    "window": "_window",
    "window_levels": "_window",
}


def __getattr__(name: str) -> object:
    """Load a name's module at first use: `import cygnet.imaging` alone brings neither numba nor Pillow."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
