"""Pipelines that listen to others of the same `up`: they end after these, and have heard all of them."""

from collections.abc import Mapping, Sequence

from cygnet.spec.pipeline import Pipeline
from cygnet.transport.client import Client
from cygnet.transport.names import intake_stream
from cygnet.transport.runs import base_key, cursor_key
from cygnet.transport.streams import stream_state
from cygnet.transport.values import Values


def announcers_of(pipeline: Pipeline, others: Sequence[Pipeline]) -> list[str]:
    """Return the names of the pipelines whose frames are announced on a subject that this one listens to."""
    heard = {subject for source in pipeline.spec.sources for subject in source.announced_subjects}
    return [
        other.metadata.name
        for other in others
        if other.metadata.name != pipeline.metadata.name
        and any(heard & set(source.mirror_subjects) for source in other.spec.sources)
    ]


async def announced_until(nc: Client, pipeline: Pipeline) -> dict[str, int]:
    """Return for each detector that is bridged the sequence of the last announcement so far."""
    found = {}
    for source in pipeline.spec.sources:
        for subject in source.announced_subjects:
            found[source.name] = (await stream_state(nc, intake_stream(subject))).last_seq
    return found


async def has_heard(values: Values, run: str, until: Mapping[str, int]) -> bool:
    """Whether a run's bridges have taken every announcement up to these sequences."""
    for detector, last in until.items():
        base = await values.get(base_key(run, detector))
        cursor = await values.get(cursor_key(run, detector))
        if base is None or int(base.data["base"]) + (int(cursor.data["next"]) if cursor else 0) <= last:
            return False
    return True
