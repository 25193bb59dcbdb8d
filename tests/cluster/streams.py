"""A Pipeline whose frames stream while a test does something to it."""

from typing import Any

RATE = 30
"""Events a second: about what is left of two processors beside pods that start and end."""


def stream(name: str, events: int | None, *, bucket: str = "luck", **spec: Any) -> dict[str, Any]:
    """Return a Pipeline of a simulated detector: one run of so many events, or runs without end."""
    simulator: dict[str, Any] = {
        "model": "cygno",
        "spectrum": "school",
        "rateHz": RATE,
        "encoding": "jpeg",
    }
    if events is not None:
        simulator["eventsPerRun"] = events
    resources = {"resources": {"requests": {"cpu": "10m", "memory": "96Mi"}}}
    return {
        "apiVersion": "cygnet.dev/v1alpha1",
        "kind": "Pipeline",
        "metadata": {"name": name},
        "spec": {
            "deletionPolicy": "Delete",
            "sources": [{"name": "cam", "simulator": simulator}],
            "preprocessor": {
                "stages": [{"crop": {"halfWindow": 32}}],
                "scaling": {"minReplicas": 2, "maxReplicas": 4},
            },
            "aggregator": {"chunkSize": 50, "maxAgeSeconds": 5},
            "uploader": {"bucket": bucket, "prefix": name},
            "pods": dict.fromkeys(("source", "preprocessor", "aggregator", "uploader"), resources),
            **spec,
        },
    }
