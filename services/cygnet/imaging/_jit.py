"""How kernels are compiled: machine code is kept on disk where it can be, and made anew where it cannot."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba
from numba import types

from cygnet.imaging._baked import use_baked_kernels

use_baked_kernels()

Function = TypeVar("Function", bound=Callable[..., object])


def kernel(*signatures: object) -> Callable[[Function], Function]:
    """Compile a function for the given signatures, without the GIL.

    Where numba finds no place for its cache it raises, which costs us the compilation at every start but
    nothing else. `NUMBA_CACHE_DIR` names a place; a container's image brings its own.
    """

    def compiled(function: Function) -> Function:
        try:
            return cast("Function", numba.njit(list(signatures), cache=True, nogil=True)(function))
        except (RuntimeError, OSError):
            return cast("Function", numba.njit(list(signatures), nogil=True)(function))

    return compiled


def read_only(dtype: types.Type, ndim: int) -> types.Array:
    """Return the type of a C-contiguous input; writable arrays fit too, so one compilation serves both."""
    return types.Array(dtype, ndim, "C", readonly=True)


def writable(dtype: types.Type, ndim: int) -> types.Array:
    """Return the type of a C-contiguous output."""
    return types.Array(dtype, ndim, "C")
