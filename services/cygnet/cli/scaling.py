"""`cygnet scaling`: look at the scaling policy, before it looks at a cluster and while it scales."""

import json
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cygnet.cli import scaling_figure, scaling_terminal
from cygnet.cli.exit_codes import EXIT_USAGE
from cygnet.cli.options import DEFAULT_DATA, Context, Data, Json, Namespace, Pipeline
from cygnet.scaling.simulator import (
    MAX_PODS,
    POD_HZ,
    POD_START_SECONDS,
    POLICIES,
    TARGET_LAG_SECONDS,
    Outcome,
    simulate,
)
from cygnet.scaling.traces import TRACES

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")

app = typer.Typer(name="scaling", help="How many workers, and why.", no_args_is_help=True)


class TraceName(StrEnum):
    """The loads that can be simulated."""

    CONSTANT = "constant"
    STEP = "step"
    BEAM = "beam"
    NOISY = "noisy"
    ALL = "all"


class PolicyName(StrEnum):
    """The policies that can be compared; KEDA's by their `lagThreshold`."""

    CYGNET = "cygnet"
    NUMAFLOW = "numaflow"
    KEDA_240 = "keda-240"
    KEDA_100 = "keda-100"
    KEDA_10 = "keda-10"


@app.callback()
def scaling() -> None:
    """How many workers, and why.

    Example:
        cygnet scaling simulate --trace beam
    """


@app.command("simulate")
def simulate_command(
    trace: Annotated[TraceName, typer.Option(help="The load.")] = TraceName.ALL,
    policy: Annotated[
        list[PolicyName] | None,
        typer.Option(
            help="A policy to compare; repeat it for several.  [default: cygnet, numaflow, keda-240]"
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, with every change of replicas.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Also draw into this file (.png, .svg, .pdf).", metavar="FILE.png")
    ] = None,
) -> None:
    """Run an hour of a load against Cygnet's scaling policy, beside Numaflow's and KEDA's.

    A pod does 12 frames/s and starts in 20 s; there is one at the start and
    there are at most 30. KEDA's lagThreshold of 240 is 20 s of one pod's work,
    the best of the three for these loads; its own default is 10.

    \b
    Examples:
      cygnet scaling simulate
      cygnet scaling simulate --trace beam
      cygnet scaling simulate --trace step --policy cygnet --policy keda-10
      cygnet scaling simulate --plot scaling.png
      cygnet scaling simulate --json | jq '.results[].mean_pods'
    """  # noqa: D301 - typer keeps the lines of a paragraph that begins with a backspace
    if plot and plot.suffix.lower() not in FIGURE_SUFFIXES:
        _refuse(
            f"--plot {plot}: the suffix is {plot.suffix or 'missing'}; accepted: {', '.join(FIGURE_SUFFIXES)}"
        )
    policies = list(dict.fromkeys(policy or (PolicyName.CYGNET, PolicyName.NUMAFLOW, PolicyName.KEDA_240)))
    traces = list(TRACES) if trace is TraceName.ALL else [trace.value]
    outcomes = [simulate(TRACES[name](), POLICIES[rule]()) for name in traces for rule in policies]
    if as_json:
        typer.echo(json.dumps(_document(outcomes), indent=2))
    else:
        _print(Console(), outcomes)
    if plot:
        _save(outcomes, plot)


@app.command("explain")
def explain_command(
    name: Annotated[
        str | None, typer.Argument(metavar="PIPELINE", help="The same as --pipeline.", show_default=False)
    ] = None,
    pipeline: Pipeline = None,
    data: Data = DEFAULT_DATA,
    namespace: Namespace = None,
    context: Context = None,
    json_output: Json = False,
) -> None:
    """Say what the policy decided last, why, and on which numbers.

    It looks at DIR if an up runs or ran there, and else at the cluster of the kubeconfig, if there is one;
    with --namespace or --context always at a cluster.

    Examples:
        cygnet scaling explain --data /scratch/run7

        cygnet scaling explain lime --namespace beam
    """
    from cygnet.cli.cluster_decisions import explain_on
    from cygnet.cli.scaling_explained import explain, source

    where = source(data, namespace, context)
    if isinstance(where, Path):
        explain(where, name or pipeline, json_output=json_output)
    else:
        explain_on(where, name or pipeline, json_output=json_output)


def _print(console: Console, outcomes: list[Outcome]) -> None:
    for _, group in groupby(outcomes, key=lambda outcome: outcome.trace.name):
        scaling_terminal.draw(console, list(group))
    console.print(scaling_terminal.legend())
    console.print()
    console.print(scaling_terminal.table(outcomes))


def _save(outcomes: list[Outcome], path: Path) -> None:
    try:
        scaling_figure.save(outcomes, path)
    except ModuleNotFoundError:
        _refuse("--plot needs matplotlib: pip install 'cygnet[analysis]'")
    except OSError as error:
        _refuse(f"--plot {path}: {error.strerror or error}")
    typer.echo(f"drawn: {path}", err=True)


def _document(outcomes: list[Outcome]) -> dict[str, Any]:
    return {
        "pod_hz": POD_HZ,
        "pod_start_seconds": POD_START_SECONDS,
        "max_pods": MAX_PODS,
        "target_lag_seconds": TARGET_LAG_SECONDS,
        "results": [
            {
                "trace": outcome.trace.name,
                "policy": outcome.policy.name,
                "changes": len(outcome.steps),
                "reversals": outcome.reversals,
                "seconds_over_target": outcome.seconds_over,
                "worst_lag_seconds": outcome.worst_lag_seconds,
                "mean_pods": round(outcome.mean_pods, 3),
                "steps": [
                    {"time_seconds": time, "from": before, "to": after}
                    for time, before, after in outcome.steps
                ],
            }
            for outcome in outcomes
        ],
    }


def _refuse(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(EXIT_USAGE)
