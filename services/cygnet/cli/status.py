"""`cygnet status`: what runs in a data folder, and whether it is well."""

import asyncio
import json
from pathlib import Path
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
    services = asyncio.run(_ask({name: addresses.get(name) for name in {*addresses, *up.wanted}}, data))
    services = [each for each in services if each["answers"] or each["service"] in up.wanted]
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


async def _ask(addresses: dict[str, str | None], data: Path) -> list[dict[str, Any]]:
    """Return what each process says of itself, or that it says nothing, by name."""
    import aiohttp

    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as http:

        async def ask(name: str, address: str | None) -> dict[str, Any]:
            log = f"see {data / 'logs' / name}.log"
            answers, problem = False, f"it is not there: starting, or about to be started again; {log}"
            if address:
                try:
                    async with http.get(f"http://{address}/readyz") as answer:
                        problems = (await answer.json())["problems"]
                        answers, problem = True, "; ".join(f"{part}: {why}" for part, why in problems.items())
                except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError):
                    problem = f"it does not answer: it has died, or hangs; {log}"
            return {
                "service": name,
                "metrics": f"http://{address}/metrics" if address else "",
                "ready": not problem,
                "answers": answers,
                "problem": problem,
            }

        return await asyncio.gather(*(ask(name, address) for name, address in sorted(addresses.items())))
