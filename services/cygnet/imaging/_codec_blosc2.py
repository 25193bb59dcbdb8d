"""Blosc2 chunks: shuffled, then Zstandard: the best ratio on 16-bit frames.

Header of a chunk (c-blosc2, README_CHUNK_FORMAT): flags at byte 2, sizes at 4 and 12, filters at 16, more
flags at 31.
"""

import struct

import blosc2

from cygnet.imaging._errors import DecodeError, Reason

blosc2.set_releasegil(True)  # the library's default keeps every other thread of the process waiting

_HEADER_BYTES = 32
_EXTENDED = 0b101
_LAZY = 0x08
_CODECS = {0: "blosclz", 1: "lz4", 3: "zlib", 4: "zstd"}
_FILTERS = {0: "none", 1: "shuffle", 2: "bitshuffle"}


def compress(data: memoryview, itemsize: int) -> bytes:
    """Return one chunk, shuffled by `itemsize`, Zstandard level 1, in this thread alone."""
    return bytes(
        blosc2.compress2(
            data,
            typesize=itemsize,
            codec=blosc2.Codec.ZSTD,
            clevel=1,
            filters=[blosc2.Filter.SHUFFLE],
            nthreads=1,
        )
    )


def decompress(body: memoryview, size: int, itemsize: int) -> bytearray:  # noqa: ARG001 - every codec is called alike
    """Return the content of one chunk; DecodeError if its header states another size or it is damaged.

    Codecs and filters outside Blosc's own are refused here: the library would search for their plugins by
    running a Python interpreter, which a foreign body must never bring about.
    """
    if body.nbytes < _HEADER_BYTES:
        raise DecodeError(
            "truncated", f"the blosc2 body has {body.nbytes} bytes; accepted: at least {_HEADER_BYTES}"
        )
    flags, more_flags = body[2], body[31]
    stated, encoded = struct.unpack_from("<i4xi", body, 4)
    if flags & _EXTENDED != _EXTENDED or more_flags & _LAZY:
        raise DecodeError(
            "unsupported", "the body is no blosc2 chunk of its own; accepted: blosc2, not blosc 1, not lazy"
        )
    if flags >> 5 not in _CODECS or not set(body[16:22]) <= _FILTERS.keys():
        accepted = f"codecs {', '.join(_CODECS.values())}; filters {', '.join(_FILTERS.values())}"
        raise DecodeError(
            "unsupported", f"the blosc2 body uses another codec or filter; accepted: {accepted}"
        )
    if stated != size:
        raise DecodeError("size-mismatch", f"the blosc2 body states {stated} bytes; accepted: {size}")
    if encoded != body.nbytes:
        reason: Reason = "truncated" if encoded > body.nbytes else "corrupt"
        raise DecodeError(reason, f"the blosc2 body has {body.nbytes} bytes but states {encoded}")
    content = bytearray(size)
    try:
        blosc2.decompress2(body, dst=content, nthreads=1)
    except (ValueError, RuntimeError) as error:
        raise DecodeError("corrupt", f"the blosc2 body is damaged: {error}") from error
    return content
