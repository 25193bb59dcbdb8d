"""What a preprocessor makes of one frame: named arrays, attributes, provenance."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from cygnet.model.frame import Attributes
from cygnet.model.identity import FrameId

Array = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True, order=True)
class ArrayLayout:
    """The form of one named array: `dtype` in numpy's spelling, `shape` and `axes` of one event."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    axes: str = "y,x"

    @property
    def bytes_per_event(self) -> int:
        """The array's size for one event."""
        return int(np.dtype(self.dtype).itemsize * np.prod(self.shape, dtype=np.int64))


Layout = tuple[ArrayLayout, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One frame, processed. `revision` and `provenance` (sha256) name the parameters that did it."""

    id: FrameId
    time_ns: int
    arrays: dict[str, Array]
    axes: dict[str, str] = field(default_factory=dict)
    revision: int = 0
    provenance: str = ""
    attrs: Attributes = field(default_factory=dict)

    @property
    def layout(self) -> Layout:
        """The form of all arrays; results of one layout may share a chunk."""
        return tuple(
            ArrayLayout(name, array.dtype.str, array.shape, self.axes.get(name, "y,x"))
            for name, array in self.arrays.items()
        )

    @property
    def nbytes(self) -> int:
        """Size of all arrays in bytes."""
        return sum(array.nbytes for array in self.arrays.values())
