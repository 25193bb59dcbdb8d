"""`cygnet status`: what runs in a data folder, and whether it is well."""

import asyncio
import json
from pathlib import Path
from typing import Any

import typer

from cygnet.cli.access import target
from cygnet.cli.cluster import Cluster
from cygnet.cli.cluster_status import show_status
from cygnet.cli.exit_codes import EXIT_FAILED
from cygnet.cli.options import DEFAULT_DATA, Context, Data, Json, Namespace, Pipeline
from cygnet.local.folder import running


def status(
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    namespace: Namespace = None,
    context: Context = None,
    json_output: Json = False,
) -> None:
    """Say what runs, and whether it is well: exit code 1 when a service or a Pipeline is not ready.

    Examples:
        cygnet status --data /scratch/run7

        cygnet status --namespace beam --pipeline lime
    """
    where = target(data, namespace, context)
    if isinstance(where, Cluster):
        is_well = show_status(where, pipeline, json_output=json_output)
    else:
        is_well = _show_up(where, pipeline, json_output=json_output)
    if not is_well:
        raise typer.Exit(EXIT_FAILED)


def _show_up(data: Path, pipeline: str | None, *, json_output: bool) -> bool:
    up = running(data)
    shown = up.pipelines if pipeline is None else dict([up.place(pipeline)])
    addresses = {file.name: file.read_text() for file in sorted((data / "http").glob("*")) if file.is_file()}
    services = asyncio.run(_ask({name: addresses.get(name) for name in {*addresses, *up.wanted}}, data))
    services = [
        each
        for each in services
        if (each["answers"] or each["service"] in up.wanted) and _pipeline_of(each["service"]) in shown
    ]
    if json_output:
        pipelines = {
            name: {
                "nats": place.nats_url,
                "s3": place.s3_endpoint,
                "bucket": place.bucket,
                "prefix": place.prefix,
            }
            for name, place in shown.items()
        }
        typer.echo(
            json.dumps({"pid": up.pid, "started": up.started, "pipelines": pipelines, "services": services})
        )
    else:
        typer.echo(f"cygnet up, process {up.pid}, since {up.started}")
        for name, place in shown.items():
            typer.echo(
                f"  {name}: NATS {place.nats_url}   bucket {place.s3_endpoint} {place.bucket}/{place.prefix}"
            )
        for each in services:
            state = "ready" if each["ready"] else f"not ready: {each['problem']}"
            typer.echo(f"  {each['service']:<32} {each['metrics']:<38} {state}")
    return all(each["ready"] for each in services)


def _pipeline_of(service: str) -> str:
    """Return the pipeline of a process by the name of its log."""
    return service.rsplit("-", 2)[0]


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
