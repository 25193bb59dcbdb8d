"""Says where everything is: the lines above the table."""

from collections.abc import Mapping
from pathlib import Path

from cygnet.local.command_line import command
from cygnet.local.exporter import TARGETS
from cygnet.local.folder import Place

Line = tuple[str, str]


def where(places: Mapping[str, Place], folder: Path) -> list[Line]:
    """Return the lines for servers, buckets and data."""
    lines = [("NATS", url) for url in dict.fromkeys(place.nats_url for place in places.values())]
    buckets = dict.fromkeys((p.s3_endpoint, f"{p.bucket}/{p.prefix}") for p in places.values())
    for endpoint in dict.fromkeys(endpoint for endpoint, _ in buckets):
        inside = ", ".join(path for at, path in buckets if at == endpoint)
        lines.append(("bucket", f"{endpoint}  {inside}"))
    which = next(iter(places)) if len(places) > 1 else None
    env = f'eval "$({command("env", folder, which)})"'
    lines.append(("data", f"{folder}   look in from another terminal: {env}"))
    return lines


def metrics(address: str, folder: Path) -> Line:
    """Return the line for metrics: where `up` serves its own, and the file that leads to all others."""
    return ("metrics", f"http://{address}/metrics   of every service: {folder / TARGETS}")
