"""The disk under the data folder: how much the servers still need there, and whether it has been full."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cygnet.runtime.sizes import stream_sizes
from cygnet.spec.pipeline import Pipeline

# Less than this may be gone before anybody looks again; no write of a server is larger.
LOW_BYTES = 32 << 20
# For what no stream's size bounds: accounts, values, logs, and the first chunks in S3.
_BESIDE_STREAMS_BYTES = 48 << 20


def reserved_bytes(pipelines: Iterable[Pipeline]) -> int:
    """Return what the streams of all pipelines may hold together."""
    intakes: dict[str, int] = {}
    total = 0
    for pipeline in pipelines:
        sizes = stream_sizes(pipeline)
        total += sizes.frames_bytes + sizes.results_bytes + sizes.chunks_bytes + sizes.dead_bytes
        for source in pipeline.spec.sources:
            if source.announcements:
                subject = source.announcements.subjects[0]
                intakes[subject] = max(intakes.get(subject, 0), source.announcements.intake_bytes)
    return total + sum(intakes.values())


def held_bytes(folder: Path) -> int:
    """Return the size of all files in a folder; one that goes meanwhile counts nothing."""
    held = 0
    for path in folder.rglob("*"):
        try:
            held += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return held


def free_bytes(folder: Path) -> int:
    """Return what the disk of a folder has left."""
    return shutil.disk_usage(folder).free


def needed_bytes(reserved: int, held: int) -> int:
    """Return the free space with which a server of streams can go on that holds so much already."""
    return max(0, reserved - held) + _BESIDE_STREAMS_BYTES


@dataclass(slots=True)
class Fullness:
    """Whether a disk is full, from one look at it after another."""

    is_full: bool = False

    def look(self, free: int, needed: int) -> bool:
        """Take a look; return whether there is room again, `needed` bytes, after it was full."""
        was_full = self.is_full
        self.is_full = free < LOW_BYTES or (was_full and free < needed)
        return was_full and not self.is_full


def mebibytes(count: int) -> str:
    """Return a size as a person reads it, rounded up."""
    return f"{-(-count >> 20)} MiB"
