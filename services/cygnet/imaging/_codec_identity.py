"""No encoding: the body is the array, and stays where it is."""

from cygnet.imaging._errors import DecodeError


def compress(data: memoryview, itemsize: int) -> bytes:  # noqa: ARG001 - every codec is called alike
    """Return the bytes."""
    return bytes(data)


def decompress(body: memoryview, size: int, itemsize: int) -> memoryview:  # noqa: ARG001 - as above
    """Return the body itself; DecodeError if it has not `size` bytes."""
    if body.nbytes != size:
        raise DecodeError(
            "size-mismatch", f"the body has {body.nbytes} bytes; accepted: {size} (shape x dtype)"
        )
    return body
