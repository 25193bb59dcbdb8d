"""`cygnet listen`: hear what is published on a subject, or why nothing is."""

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from cygnet.cli.access import Link, with_link
from cygnet.cli.options import DEFAULT_DATA, Data, Json, Pipeline
from cygnet.cli.output import in_bytes, print_json
from cygnet.cli.silence import explain_silence
from cygnet.model.errors import BadInputError
from cygnet.transport.client import Message

_PATIENCE_SECONDS = 3.0
_SHOWN_BYTES = 300


def listen(
    subject: Annotated[str, typer.Argument(help="Subject; `*` is any word between dots, `>` any rest.")],
    count: Annotated[
        int | None, typer.Option("--count", "-n", min=1, help="End after this many messages.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.1, help="End after this time; 1 if nothing came.")
    ] = None,
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    json_output: Json = False,
) -> None:
    """Print each message of a subject until Ctrl-C; when none comes, say why.

    Example:
        cygnet listen daq/data --count 1
    """
    check_subject(subject)
    heard = 0
    try:
        heard = with_link(data, pipeline, lambda link: _listen(link, subject, count, seconds, json_output))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    if not heard:
        raise typer.Exit(1)


def check_subject(subject: str) -> None:
    """Raise BadInputError, which says what is accepted, for what no server can listen to."""
    words = subject.split(".")
    if not all(words) or any(character.isspace() for character in subject):
        raise BadInputError(f"SUBJECT: {subject!r}; accepted: words joined by single dots, without spaces")
    for place, word in enumerate(words):
        if (word != "*" and "*" in word) or (word != ">" and ">" in word):
            wildcard = "*" if "*" in word else ">"
            letter = "; the slash is a letter like any other" if "/" in word else ""
            raise BadInputError(
                f"SUBJECT: {subject!r}: {wildcard!r} stands for whole words between dots{letter};"
                " accepted: such as daq/data, daq.* or daq.>"
            )
        if word == ">" and place < len(words) - 1:
            raise BadInputError(f"SUBJECT: {subject!r}; accepted: '>' as the last word only")


async def _listen(
    link: Link, subject: str, count: int | None, seconds: float | None, json_output: bool
) -> int:
    heard = 0
    last = asyncio.Event()

    async def on_message(message: Message) -> None:
        nonlocal heard
        if count is None or heard < count:
            heard += 1
            _print(message, json_output=json_output)
        if heard == count:
            last.set()

    await link.nc.subscribe(subject, cb=on_message)
    await link.nc.flush()
    typer.echo(f"listening to {subject} at {link.place.nats_url}; Ctrl-C ends it", err=True)
    started = time.monotonic()
    explained = False
    while seconds is None or time.monotonic() - started < seconds:
        waited = time.monotonic() - started
        if (
            not heard
            and not explained
            and waited >= min(_PATIENCE_SECONDS, seconds or _PATIENCE_SECONDS) * 0.9
        ):
            explained = True
            for line in await explain_silence(link, subject):
                typer.echo(f"  {line}", err=True)
        try:
            await asyncio.wait_for(last.wait(), 0.1)
        except TimeoutError:
            continue
        break
    return heard


def _print(message: Message, *, json_output: bool) -> None:
    headers = dict(message.headers or {})
    if json_output:
        print_json(
            {
                "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
                "subject": message.subject,
                "bytes": len(message.data),
                "headers": headers,
                "body": _body(message.data),
            }
        )
        return
    typer.echo(f"{datetime.now(UTC):%H:%M:%S.%f}Z  {message.subject}  {in_bytes(len(message.data))}")
    for name, value in headers.items():
        typer.echo(f"  {name}: {value}")
    body = _body(message.data)
    typer.echo(f"  {body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)}")


def _body(data: bytes) -> Any:
    """Return JSON as it is, text as text, and of anything else the beginning."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return repr(data[: _SHOWN_BYTES // 4]) + (" …" if len(data) > _SHOWN_BYTES // 4 else "")
    try:
        return json.loads(text)
    except ValueError:
        return text if len(text) <= _SHOWN_BYTES else text[:_SHOWN_BYTES] + " …"
