"""What the operator remembers of one Pipeline between two visits; a restart may forget all of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cygnet.spec.pipeline import Pipeline
from cygnet_operator.admission import Claim, Refusal, place, read
from cygnet_operator.children import role_states
from cygnet_operator.conditions import Part
from cygnet_operator.lifecycle import Flow, Phase, Seen, Step, step
from cygnet_operator.observed import Look, Observed, Role, RoleState, Sampler, Scaled, Scaler
from cygnet_operator.settings import Settings
from cygnet_operator.store import Key

Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Member:
    """One Pipeline that is looked after."""

    key: Key
    uid: str
    spec: "tuple[int, Pipeline | Refusal] | None" = None
    """Its generation, and what was read of it."""
    created: str = ""
    place: tuple[str, str, str] | None = None
    """Endpoint, bucket and prefix that it claims."""
    sampler: Sampler | None = None
    scaler: Scaler | None = None
    look: Look | None = None
    flow: Flow | None = None
    """As of the last look; None while NATS does not say."""
    reads_ends: bool = True
    """A drain may have asked for the end of a run: the bucket of values has to be read."""
    scaled: Scaled | None = None
    decided: int | None = None
    """Preprocessors that the scaling asked for last."""
    streams: Part | None = None
    storage: Part | None = None
    ensured: tuple[int, int] | None = None
    """Generation for which streams and parameters were seen to, and the connection."""
    applied: tuple[Any, ...] | None = None
    """What the objects were made of that are known to be there."""
    secret: str = ""
    """Hash of the Secret that was applied; nobody may read it."""
    failure: Part | None = None
    """Why the API server did not take an object."""
    status: Json = field(default_factory=dict)
    """As last written."""
    written: float = float("-inf")
    sourceless_since: float | None = None
    """Since when no pod of the source exists; only what NATS says after it counts as the end."""

    @property
    def pipeline(self) -> Pipeline | None:
        """Return the Pipeline, None if its spec is refused."""
        return self.spec[1] if self.spec and isinstance(self.spec[1], Pipeline) else None

    @property
    def accepted(self) -> bool:
        """Return whether it was accepted: what was is looked at until the next visit says otherwise."""
        told = self.status.get("conditions", [])
        is_told = any(each["type"] == "Accepted" and each["status"] == "True" for each in told)
        return is_told and self.pipeline is not None

    @property
    def was(self) -> Phase | None:
        """Return how far it was, as the status says."""
        for each in self.status.get("conditions", []):
            if each["type"] == "Drained" and each["reason"] in Phase.__members__.values():
                return Phase(each["reason"])
        return None

    @property
    def claim(self) -> Claim | None:
        """Return the place in a bucket that it claims, None if its spec is refused."""
        if self.place is None or self.spec is None:
            return None
        accepted: Json = next(
            (each for each in self.status.get("conditions", []) if each["type"] == "Accepted"), {}
        )
        is_held = accepted.get("status") == "True" and accepted.get("observedGeneration") == self.spec[0]
        return Claim(key=self.key, uid=self.uid, created=self.created, is_held=is_held, place=self.place)

    def refresh(self, document: Json, settings: Settings) -> bool:
        """Take the Pipeline as it is now; return whether its spec was read, once for each generation."""
        metadata = document["metadata"]
        self.created = str(metadata.get("creationTimestamp", ""))
        generation = int(metadata.get("generation", 0))
        if self.spec is not None and self.spec[0] == generation:
            return False
        self.spec = (generation, read(document))
        self.place = place(self.pipeline, settings) if self.pipeline else None
        return True

    def observe(self, document: Json, children: Mapping[tuple[str, str], Json]) -> Observed | None:
        """Return what is seen of it now, None if its spec is refused."""
        pipeline = self.pipeline
        if pipeline is None or self.spec is None:
            return None
        roles = role_states(children)
        if source_pods(roles):
            self.sourceless_since = None
        elif self.sourceless_since is None:
            self.sourceless_since = time.time()
        return Observed(
            pipeline=pipeline,
            uid=self.uid,
            generation=self.spec[0],
            annotations=document["metadata"].get("annotations") or {},
            status=self.status,
            roles=roles,
        )

    def next_step(self, observed: Observed) -> Step:
        """Return what the lifecycle asks for, on what is known now."""
        pods = source_pods(observed.roles)
        seen = Seen(was=self.was, source_pods=pods, flow=self._trusted_flow(pods))
        return step(observed.pipeline.spec.lifecycle, seen)

    def _trusted_flow(self, pods: int) -> Flow | None:
        """Return what NATS said, unless the source may have published after it."""
        if self.look is None or self.flow is None or pods:
            return self.flow
        is_after = self.sourceless_since is not None and self.look.sample.time > self.sourceless_since
        return self.flow if is_after else None


def source_pods(roles: Mapping[Role, RoleState]) -> int:
    """Return how many pods of the source exist or may come, those that are ending too."""
    state = roles.get(Role.SOURCE)
    if state is None:
        return 0
    there = max(state.asked, state.replicas + state.ending)
    return there if state.settled else max(1, there)
