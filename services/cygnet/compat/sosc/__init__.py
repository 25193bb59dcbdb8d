"""The functions of the CYGNO school's notebooks (INFN SOSC, 2023 and 2024), by their names.

`from cygnet.compat.sosc import *` stands in for the cells that define them. Each docstring says where it
differs from the notebooks, and why.
"""

from cygnet.compat.sosc._chunks import (
    check_latest_uploads,
    convert_and_accumulate_to_global_lists,
    list_of_images,
    list_of_timestamps,
    upload_global_lists_to_minio,
)
from cygnet.compat.sosc._images import compute_pixel_hist, crop_center, preprocessing_step, windowing
from cygnet.compat.sosc._messages import download_image, unpack_payload
from cygnet.compat.sosc._paths import get_energy_keV, get_recoil_type

__all__ = [
    "check_latest_uploads",
    "compute_pixel_hist",
    "convert_and_accumulate_to_global_lists",
    "crop_center",
    "download_image",
    "get_energy_keV",
    "get_recoil_type",
    "list_of_images",
    "list_of_timestamps",
    "preprocessing_step",
    "unpack_payload",
    "upload_global_lists_to_minio",
    "windowing",
]
