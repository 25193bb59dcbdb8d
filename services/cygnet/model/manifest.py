"""One row for each stored array: where its bytes lie and what was done to it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRow:
    """`size` bytes at `offset` of `object` decode with `codec` to an array of `dtype` and `shape`."""

    run: str
    detector: str
    event: int
    time_ns: int
    array: str
    object: str
    offset: int
    size: int
    codec: str
    dtype: str
    shape: tuple[int, ...]
    axes: str
    revision: int
    provenance: str
    crc32c: int
    attrs: str = ""
