"""Why nothing arrives on a subject: what the server knows of it."""

import time
from collections.abc import Sequence
from typing import Any

from cygnet.cli.access import Link
from cygnet.transport.api import api, seconds_since_1970
from cygnet.transport.errors import TransportError

_FEW = 5


async def explain_silence(link: Link, subject: str) -> list[str]:
    """Return, in words, the likely reasons why nobody publishes there."""
    try:
        streams = await _streams_that_bind(link, subject)
    except TransportError as error:
        return [f"nothing can be found out: {error}"]
    lines = [f"nothing has come yet on {subject!r}"]
    if streams:
        lines += [_state(each) for each in streams]
    else:
        lines.append("no stream binds it, so that what was published before nobody listened is gone")
    lines += advice(link, subject)
    return lines


async def _streams_that_bind(link: Link, subject: str) -> list[dict[str, Any]]:
    answer = await api(link.nc, "STREAM.LIST", {"subject": subject})
    return list(answer.get("streams") or [])


def _state(stream: dict[str, Any]) -> str:
    state, name = stream["state"], stream["config"]["name"]
    if not state["last_seq"]:
        return f"stream {name} binds it; nobody has ever published there"
    since = _since(state["last_ts"])
    return f"stream {name} binds it; nobody has published since {since} ({state['last_seq']} messages so far)"


def _since(timestamp: str) -> str:
    ago = max(0.0, time.time() - seconds_since_1970(timestamp))
    return f"{ago:.0f} s ago" if ago < 120 else f"{ago / 60:.0f} min ago"


def advice(link: Link, subject: str) -> Sequence[str]:
    """Return what to do, from what the pipeline itself says and hears."""
    own, foreign = _literal_subjects(link)
    literal = [*own, *foreign]
    lines = []
    twin = next((each for each in literal if each != subject and _same(each, subject)), None)
    if twin:
        lines.append(f"did you mean {twin!r}? The slash is a letter like any other: only dots part words")
    elif subject in foreign:
        lines.append(
            "this pipeline waits there too, for somebody else's announcer: it announces nothing there"
        )
    elif subject in own:
        lines.append("the source announces there only frames that it stores, while a run is on")
    elif own:
        lines.append(f"this pipeline announces on: {', '.join(own[:_FEW])}")
    elif foreign:
        lines.append(
            f"this pipeline announces on no literal subject; it waits on: {', '.join(foreign[:_FEW])}"
        )
    else:
        lines.append(
            f"pipeline {link.name} announces on no literal subject;"
            f" its source does with mirrorSubjects: [{subject}]"
        )
    return lines


def _literal_subjects(link: Link) -> tuple[list[str], list[str]]:
    """Return where the pipeline's sources announce, and where they wait for others to."""
    own: list[str] = []
    foreign: list[str] = []
    for source in link.spec().spec.sources:
        own += source.mirror_subjects
        foreign += source.announcements.subjects if source.announcements else []
    return list(dict.fromkeys(own)), list(dict.fromkeys(foreign))


def _same(one: str, other: str) -> bool:
    return one.replace("/", ".").casefold() == other.replace("/", ".").casefold()
