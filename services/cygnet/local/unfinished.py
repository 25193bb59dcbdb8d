"""Whether the runs that an earlier `up` left unfinished may go on: only as what they began as."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cygnet.local.command_line import as_typed
from cygnet.local.data_folder import option
from cygnet.local.errors import LocalError
from cygnet.local.folder import Place
from cygnet.model.account import ALL_DETECTORS, Begin
from cygnet.spec.pipeline import Pipeline
from cygnet.transport.account import last_record
from cygnet.transport.client import Client
from cygnet.transport.names import Names
from cygnet.transport.runs import RUN, run_state
from cygnet.transport.values import Values

_KINDS = ("replay", "simulator", "announcements")
# What may change in mid-run: how fast and how many, and who else is told. No event becomes another one.
_FREE = {
    "": ("mirrorSubjects", "infoSubject"),
    "replay": ("rateHz", "loop", "eventsPerRun"),
    "simulator": ("eventsPerRun",),  # its rate makes the times of its events
    "announcements": ("intakeBytes", "eventsPerRun"),
}


async def check_unfinished(
    nc: Client, values: Values, names: Names, pipeline: Pipeline, place: Place, before: Place | None
) -> None:
    """Raise LocalError if a run that is not complete began as something else than `pipeline` at `place`.

    `before`: where the last `up` of this pipeline in this folder had its bucket.
    """
    for key in await values.keys(RUN):
        run = key.removeprefix(RUN)
        state = await run_state(values, run)
        if state not in ("running", "ended"):
            continue
        begin = await last_record(nc, names, run, ALL_DETECTORS, Begin.kind)
        if not isinstance(begin, Begin):  # nothing of it is announced
            continue
        found = moved(before, place) + differences(begin, pipeline, is_running=state == "running")
        if found:
            raise LocalError(_refusal(names.pipeline, run, found, before))


def differences(begin: Begin, pipeline: Pipeline, *, is_running: bool) -> list[str]:
    """Return what a run began with and is different now, in words; sources count while they are running."""
    spec = pipeline.spec
    old: dict[str, Any] = {
        "store": begin.store,
        "uploader.bucket": begin.bucket,
        "uploader.prefix": begin.prefix,
    }
    new: dict[str, Any] = {
        "store": spec.store,
        "uploader.bucket": spec.uploader.bucket,
        "uploader.prefix": pipeline.prefix,
    }
    if is_running:
        old |= _sources(begin.config.get("sources", []))
        new |= _sources([source.model_dump(mode="json", exclude_none=True) for source in spec.sources])
    return [_change(field, old.get(field), new.get(field)) for field in sorted(old | new)
            if old.get(field) != new.get(field)]  # fmt: skip


def moved(before: Place | None, place: Place) -> list[str]:
    """Return how the S3 endpoint has changed, in words; embedded ones are one, whatever their port."""
    if before is None:
        return []
    old, new = (each.home[0] or "cygnet-data" for each in (before, place))
    return [_change("S3 endpoint", old, new)] if old != new else []


def _sources(sources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields that say which event is which, by their path."""
    fields: dict[str, Any] = {}
    for source in sources:
        path = f"sources.{source['name']}"
        for field, value in source.items():
            if field in _KINDS:
                inner = {name: each for name, each in value.items() if name not in _FREE[field]}
                fields |= {f"{path}.{field}.{name}": each for name, each in inner.items()}
            elif field not in _FREE[""]:
                fields[f"{path}.{field}"] = value
    return fields


def _change(field: str, old: object, new: object) -> str:
    return f"{field} was {_said(old)} and is {_said(new)}"


def _said(value: object) -> str:
    return "absent" if value is None else repr(value)


def _refusal(name: str, run: str, found: Sequence[str], before: Place | None) -> str:
    spec = Path(before.spec) if before else None
    if spec and spec.is_relative_to(Path.cwd()):
        spec = spec.relative_to(Path.cwd())
    way_out = "Undo that"
    if spec:
        command = f"{as_typed('cygnet')} up {spec} --events 1{option(spec.parent.parent)}"
        way_out += f", or end it with what it has, by `{command}`; then run this again"
    changes = "; ".join(found)
    return f"{name}: run {run} was left unfinished, and can't go on as another one: {changes}. {way_out}"
