"""Kernels that were compiled when a container's image was built, found again on its read-only root.

numba takes a folder for its cache only if it can write there, and keys what it keeps by the processor that
it runs on. Both would lose what an image brings. `CYGNET_KERNELS` names a folder that is read even so, and
kernels are then made for a family of processors: on amd64 those with AVX2 (crop and window of 512×512 bytes
take 37 µs; 34 µs when made for this one processor, 420 µs for any of amd64).
"""

import os
import platform
from pathlib import Path

import numba.core.config
from llvmlite import binding
from numba.core.caching import UserProvidedCacheLocator

_NEEDED_OF_AMD64 = ("avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe")


class BakedKernels(UserProvidedCacheLocator):
    """The place of one function's kernels, which need not be writable once they are there."""

    def ensure_cache_path(self) -> None:
        """Raise OSError if there is neither a folder nor a way to make one."""
        if not Path(self.get_cache_path()).is_dir():  # type: ignore[no-untyped-call]
            super().ensure_cache_path()  # type: ignore[no-untyped-call]


def use_baked_kernels() -> None:
    """Let numba read, and when an image is built write, the folder `CYGNET_KERNELS`; without it do nothing.

    A processor outside of the family gets its kernels compiled at every start, as without an image's.
    """
    folder, family = os.environ.get("CYGNET_KERNELS"), _family()
    if not folder or not family:
        return
    os.environ.update(
        NUMBA_CACHE_DIR=folder,
        NUMBA_CACHE_LOCATOR_CLASSES=f"{__name__}.{BakedKernels.__name__}",
        NUMBA_CPU_NAME=family,
        NUMBA_CPU_FEATURES="",
    )
    numba.core.config.reload_config()  # type: ignore[no-untyped-call]


def _family() -> str | None:
    """Return LLVM's name of the family that this processor is of."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return "generic"
    features = binding.get_host_cpu_features()
    return "x86-64-v3" if all(features.get(name) for name in _NEEDED_OF_AMD64) else None
