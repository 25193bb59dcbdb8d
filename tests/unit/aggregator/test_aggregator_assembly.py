"""Single sequences of results that an assembly once got wrong."""

import numpy as np

from cygnet.aggregator.assembly import Assembly, ChunkLimits
from cygnet.model.identity import FrameId
from cygnet.model.result import Result

SIDE = 8
BYTES = SIDE * SIDE


def result(event: int) -> Result:
    return Result(
        id=FrameId("run", "camera", event), time_ns=event, arrays={"image": np.zeros((SIDE, SIDE), np.uint8)}
    )


def test_chunk_closed_by_bytes_does_not_take_its_successor_with_it() -> None:
    """Both were once open under one number: the end of the first, seen again, must not lose the second."""
    limits = ChunkLimits(
        events=5, age_seconds=60, chunk_bytes=4 * BYTES, held_bytes=100 * BYTES, held_messages=100
    )
    assembly = Assembly(limits)
    assembly.load("run", [])
    assembly.offer(1, [result(event) for event in range(5)], now=0.0)
    closed = []
    while (chunk := assembly.take_due()) is not None:
        closed.append((chunk.reason, sorted(chunk.results)))
        assembly._committing = None
    assert closed == [("bytes", [0, 1, 2, 3]), ("complete", [4])]
