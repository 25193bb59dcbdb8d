"""Zstandard: the best ratio for its price on 8-bit frames, and a checksum of its own."""

import threading

import zstandard

from cygnet.imaging._errors import DecodeError

_LEVEL = 1
_UNKNOWN_SIZE = -1


class _ThreadContext(threading.local):
    """One compressor and one decompressor a thread: shared between threads they crash the process."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        self.decompressor = zstandard.ZstdDecompressor()


_context = _ThreadContext()


def compress(data: memoryview, itemsize: int) -> bytes:  # noqa: ARG001 - every codec is called alike
    """Return one frame with content size and checksum."""
    return _context.compressor.compress(data)


def decompress(body: memoryview, size: int, itemsize: int) -> bytes:  # noqa: ARG001 - as above
    """Return the content of one frame; DecodeError if it states or holds another size, or is damaged."""
    try:
        stated = zstandard.frame_content_size(body)
        if stated not in (size, _UNKNOWN_SIZE):  # the library would allocate what the frame states
            raise DecodeError("size-mismatch", f"the zstd body states {stated} bytes; accepted: {size}")
        return _context.decompressor.decompress(body, max_output_size=size, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise DecodeError("corrupt", f"the zstd body is damaged or too long: {error}") from error
