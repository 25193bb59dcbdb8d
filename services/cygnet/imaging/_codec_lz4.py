"""LZ4 frames, as every LZ4 tool writes them, through Arrow's copy of the library."""

import pyarrow as pa

from cygnet.imaging._errors import DecodeError


def compress(data: memoryview, itemsize: int) -> bytes:  # noqa: ARG001 - every codec is called alike
    """Return one LZ4 frame."""
    return bytes(pa.Codec("lz4").compress(pa.py_buffer(data), asbytes=True))


def decompress(body: memoryview, size: int, itemsize: int) -> bytes:  # noqa: ARG001 - as above
    """Return the content of one frame; DecodeError if it holds another size or is damaged.

    Read as a stream: the one-call interface does not tell how much a short frame has filled.
    """
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), "lz4") as stream:
            content = bytes(stream.read(size + 1))
    except OSError as error:
        raise DecodeError("corrupt", f"the lz4 body is damaged: {error}") from error
    if len(content) != size:
        more = "more than " if len(content) > size else ""
        raise DecodeError(
            "size-mismatch", f"the lz4 body holds {more}{min(len(content), size)} bytes; accepted: {size}"
        )
    return content
