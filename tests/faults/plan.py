"""What a scenario wants of its pipeline, and the spec file that says so to the services."""

from dataclasses import dataclass
from typing import Any

import yaml
from tests.faults.frames import Bounds, FrameFolder

DETECTOR, FOREIGN = "camera", "foreign"
FOREIGN_FORM = {"dtype": "uint8", "shape": [32, 32]}
BUCKET = "faults"
_MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One pipeline. `source` is a source of the spec; by default the frames are replayed.

    `foreign`: the subject of a second source, a bridge named FOREIGN. `poison`: the file name of the frame
    that ends its worker. `is_gated`: services reach S3 through a gate.
    """

    name: str
    frames: FrameFolder
    rate_hz: float | None = None
    source: dict[str, Any] | None = None
    transport: str = "auto"
    store: bool = True
    chunk_events: int = 25
    max_age_seconds: float = 5.0
    max_deliver: int = 5
    frames_mib: int = 16
    results_mib: int = 16
    chunks_mib: int = 16
    dead_mib: int = 4
    delay_seconds: float = 0.0
    preprocessor: dict[str, Any] | None = None
    format: str = "npz"
    window: Bounds | None = None
    foreign: str = ""
    poison: str = ""
    is_gated: bool = False

    def document(self) -> dict[str, Any]:
        """Return the Pipeline document."""
        return {
            "apiVersion": "cygnet.dev/v1alpha1",
            "kind": "Pipeline",
            "metadata": {"name": self.name},
            "spec": {
                "sources": [{"name": DETECTOR, **(self.source or self._replay())}, *self._bridge()],
                "store": self.store,
                "transport": {"mode": self.transport},
                "preprocessor": {"stages": self._stages(), **(self.preprocessor or {})},
                "aggregator": {
                    "chunkSize": self.chunk_events,
                    "maxAgeSeconds": self.max_age_seconds,
                    "maxBytes": self.chunks_mib * _MIB // 4,
                    "format": self.format,
                },
                "uploader": {"bucket": BUCKET},
                "deadLetters": {"maxDeliver": self.max_deliver},
                "streams": {
                    "framesBytes": self.frames_mib * _MIB,
                    "resultsBytes": self.results_mib * _MIB,
                    "chunksBytes": self.chunks_mib * _MIB,
                    "deadBytes": self.dead_mib * _MIB,
                    "ackWaitSeconds": 3,
                    "maxProcessingSeconds": 2.5,
                },
            },
        }

    def text(self) -> str:
        """Return the spec file."""
        return yaml.safe_dump(self.document())

    def _replay(self) -> dict[str, Any]:
        replay: dict[str, Any] = {"path": str(self.frames.path)}
        if self.rate_hz is not None:
            replay["rateHz"] = self.rate_hz
        return {"replay": replay}

    def _bridge(self) -> list[dict[str, Any]]:
        if not self.foreign:
            return []
        return [{"name": FOREIGN, "announcements": {"subjects": [self.foreign]}, "expect": FOREIGN_FORM}]

    def _stages(self) -> list[dict[str, Any]]:
        stages: list[dict[str, Any]] = []
        if self.frames.half_window is not None:
            stages.append({"crop": {"halfWindow": self.frames.half_window}})
        if self.window is not None:
            low, high = self.window
            stages.append({"window": {"min": low, "max": high, "output": "levels"}})
        if self.delay_seconds:
            stages.append({"delay": {"seconds": self.delay_seconds}})
        return stages
