"""`cygnet status`: what runs in a data folder, and whether it is well."""

import asyncio
import json
from typing import Any

import typer

from cygnet.cli.exit_codes import EXIT_FAILED
from cygnet.cli.options import DEFAULT_DATA, Data, Json
from cygnet.local.folder import running


def status(data: Data = DEFAULT_DATA, json_output: Json = False) -> None:
    """Say what runs, and whether it is well: exit code 1 when a service is not ready.

    Example:
        cygnet status --data /scratch/run7
    """
    up = running(data)
    addresses = {file.name: file.read_text() for file in sorted((data / "http").glob("*")) if file.is_file()}
    services = asyncio.run(_ask(addresses))
    if json_output:
        pipelines = {
            name: {
                "nats": place.nats_url,
                "s3": place.s3_endpoint,
                "bucket": place.bucket,
                "prefix": place.prefix,
            }
            for name, place in up.pipelines.items()
        }
        typer.echo(
            json.dumps({"pid": up.pid, "started": up.started, "pipelines": pipelines, "services": services})
        )
    else:
        typer.echo(f"cygnet up, process {up.pid}, since {up.started}")
        for name, place in up.pipelines.items():
            typer.echo(
                f"  {name}: NATS {place.nats_url}   bucket {place.s3_endpoint} {place.bucket}/{place.prefix}"
            )
        for each in services:
            state = "ready" if each["ready"] else f"not ready: {each['problem']}"
            typer.echo(f"  {each['service']:<32} {each['metrics']:<38} {state}")
    if not all(each["ready"] for each in services):
        raise typer.Exit(EXIT_FAILED)


async def _ask(addresses: dict[str, str]) -> list[dict[str, Any]]:
    import aiohttp

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as http:

        async def ask(name: str, address: str) -> dict[str, Any] | None:
            try:
                async with http.get(f"http://{address}/readyz") as answer:
                    problems = (await answer.json())["problems"]
            except (aiohttp.ClientError, OSError, TimeoutError):
                return None  # it has ended, and left its address behind
            return {
                "service": name,
                "metrics": f"http://{address}/metrics",
                "ready": not problems,
                "problem": "; ".join(f"{part}: {why}" for part, why in problems.items()),
            }

        answers = await asyncio.gather(*(ask(name, address) for name, address in addresses.items()))
    return [answer for answer in answers if answer]
