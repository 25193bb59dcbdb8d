"""Which requests fetch many byte ranges of one object."""

from collections.abc import Sequence

GAP_BYTES = 256 * 1024  # reading over a gap of this size costs about as much as a second request
LIMIT_BYTES = 64 * 1024 * 1024

Request = tuple[int, int, list[int]]


def coalesce(
    ranges: Sequence[tuple[int, int]], gap: int = GAP_BYTES, limit: int = LIMIT_BYTES
) -> list[Request]:
    """Return requests (offset, size, indices of the ranges inside) that fetch all `ranges`.

    Ranges (offset, size) at most `gap` bytes apart share a request of at most `limit` bytes; a
    larger single range has a request of its own; empty ranges are in none.
    """
    requests: list[Request] = []
    for i in sorted((i for i, (_, size) in enumerate(ranges) if size), key=lambda i: ranges[i]):
        offset, size = ranges[i]
        if requests:
            start, length, members = requests[-1]
            end = max(start + length, offset + size)
            if offset <= start + length + gap and end - start <= limit:
                members.append(i)
                requests[-1] = (start, end - start, members)
                continue
        requests.append((offset, size, [i]))
    return requests


def cut(
    ranges: Sequence[tuple[int, int]], requests: Sequence[Request], bodies: Sequence[bytes]
) -> list[memoryview]:
    """Return the bytes of each range, as views of the requests' `bodies`; empty for empty ranges."""
    parts = [memoryview(b"")] * len(ranges)
    for (start, _, members), body in zip(requests, bodies, strict=True):
        view = memoryview(body)
        for i in members:
            offset, size = ranges[i]
            parts[i] = view[offset - start : offset - start + size]
    return parts
