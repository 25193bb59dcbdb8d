"""A Pipeline's workers on the cluster: how many there are, what is said of them, and why."""

from typing import Any

from cluster.installation import Installation
from cluster.kubectl import until
from cluster.replicas import Replicas
from cluster.streams import stream
from cygnet.transport.client import Client
from cygnet.transport.names import Names
from cygnet.transport.streams import StreamState, stream_state

AWAKE_SECONDS = 60
"""In which the first worker is ready, on a machine however busy; what it took is for the test to print."""


def slow(name: str, events: int | None, seconds: float, scaling: dict[str, Any], **spec: Any) -> Any:
    """Return a Pipeline whose workers need so many seconds for an event."""
    preprocessor = {"stages": [{"delay": {"seconds": seconds}}], "scaling": scaling}
    return stream(name, events, preprocessor=preprocessor, **spec)


def workers(installation: Installation, name: str) -> dict[str, Any]:
    """Return the Deployment of a Pipeline's preprocessors."""
    found: dict[str, Any] = installation.pipelines.get("deployment", f"{name}-preprocessor")
    return found


def asked(installation: Installation, name: str) -> int:
    """Return how many preprocessors are asked for."""
    return int(workers(installation, name)["spec"]["replicas"])


def decisions(installation: Installation, name: str) -> list[dict[str, Any]]:
    """Return the decisions that the status lists, oldest first; the last may be a hold."""
    found: list[dict[str, Any]] = installation.pipeline(name).get("status", {}).get("decisions", [])
    return found


def changes(installation: Installation, name: str) -> list[dict[str, Any]]:
    """Return the decisions that are no hold."""
    return [each for each in decisions(installation, name) if each["from"] != each["to"]]


def holding(installation: Installation, name: str, reason: str) -> dict[str, Any] | None:
    """Return the hold that stands, if it is for this reason."""
    return next((each for each in decisions(installation, name)[-1:] if each["reason"] == reason), None)


def says_why(installation: Installation, name: str, reason: str, seconds: float = 90) -> str:
    """Wait until ScalingLimited tells a reason, and return its message."""

    def look() -> str | None:
        told = installation.pipeline(name).get("status", {}).get("conditions", [])
        found = next((each for each in told if each["type"] == "ScalingLimited"), {})
        return str(found["message"]) if found.get("reason") == reason else None

    return until(f"ScalingLimited of {name} says {reason}", look, seconds)


def annotate(installation: Installation, name: str, *annotations: str) -> None:
    """Add annotations, or take away those that end with a dash."""
    installation.pipelines.run("annotate", "pipeline", name, *annotations)


def frames(installation: Installation, name: str) -> StreamState:
    """Return what the queue of a Pipeline's frames holds."""
    names = Names(installation.pipelines.namespace, name)

    async def look(nc: Client) -> StreamState:
        return await stream_state(nc, names.frames)

    return installation.ask(look)


def first_frame(installation: Installation, name: str, before: int = 0) -> float:
    """Wait for a message of frames after `before` others, while no worker takes it; return when it came."""

    def look() -> float | None:
        queue = frames(installation, name)
        return queue.first_ts if queue.last_seq > before else None

    return until(f"the first frame of {name}", look, 60)


def woken(replicas: Replicas, came: float) -> str:
    """Wait for the first worker after a frame that came when there was none; say how long it took."""
    until("a worker is ready", lambda: bool(replicas.ready), AWAKE_SECONDS)
    asked_at, ready_at = replicas.first_asked, replicas.first_ready
    assert asked_at
    assert ready_at
    return f"a worker asked for after {asked_at - came:.1f} s, ready after {ready_at - came:.1f} s"
