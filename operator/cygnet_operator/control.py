"""What the operator does on a Pipeline's NATS: its streams, its parameters, the end of its run."""

from dataclasses import dataclass

from cygnet.runtime.sizes import owner_metadata, stream_sizes
from cygnet.spec.pipeline import Pipeline
from cygnet.transport.client import Client
from cygnet.transport.names import Names
from cygnet.transport.parameters import follow_spec
from cygnet.transport.runs import ask_for_end, is_drained, late_runs, request_next_run
from cygnet.transport.streams import ensure_streams
from cygnet.transport.values import Values
from cygnet_operator.lifecycle import Flow, Step
from cygnet_operator.observed import Look


def names_of(pipeline: Pipeline) -> Names:
    """Return the names of a Pipeline's streams."""
    return Names(pipeline.metadata.namespace, pipeline.metadata.name)


async def ensure(nc: Client, pipeline: Pipeline, installation: str, uid: str) -> None:
    """Make the streams as the spec says, as the pods do too; raises TransportError."""
    owner = owner_metadata(pipeline, installation, uid)
    await ensure_streams(nc, names_of(pipeline), stream_sizes(pipeline), owner)


async def follow_window(nc: Client, pipeline: Pipeline) -> bool:
    """Write the spec's window as live parameters if the spec says something new; return whether it did."""
    window = pipeline.spec.preprocessor.window
    bounds = {"min": window.min, "max": window.max} if window else None
    return await follow_spec(Values(nc, names_of(pipeline)), bounds)


@dataclass(frozen=True, slots=True)
class Drains:
    """What the bucket of values says about the end of a run."""

    end_asked: bool
    late: bool


async def drains(nc: Client, pipeline: Pipeline, run: str) -> Drains:
    """Read what a drain, or its end, has to know."""
    values = Values(nc, names_of(pipeline))
    return Drains(await is_drained(values, run) if run else False, bool(await late_runs(values)))


def flow(look: Look, drained: Drains) -> Flow:
    """Return what the lifecycle has to know of NATS."""
    return Flow(
        waiting=look.waiting,
        run=look.run,
        run_state=look.run_state,
        end_asked=drained.end_asked,
        late=drained.late,
    )


async def ask(nc: Client, pipeline: Pipeline, run: str, step: Step) -> None:
    """Ask the source for what a step of the lifecycle wants of it."""
    values = Values(nc, names_of(pipeline))
    if step.ask == "end":
        await ask_for_end(values, run, last=True, drained=True)
    elif step.ask == "next":
        await request_next_run(values, run)
