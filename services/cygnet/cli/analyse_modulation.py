"""`cygnet analyse modulation`: the rate of nuclear candidates, and the sine that is in it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from cygnet.cli.analyse_options import (
    DATA,
    ClassifierFile,
    Detector,
    Out,
    Run,
    Where,
    check_out,
    drawn,
    load_classifier,
    number,
    say_drawn,
)
from cygnet.cli.analyse_source import open_stored, said
from cygnet.cli.options import Json, Pipeline
from cygnet.cli.output import print_json
from cygnet.model.timestamp import format_time

if TYPE_CHECKING:
    from cygnet.analysis import Modulation, NuclearRate, Rates


def modulation(
    classifier: ClassifierFile,
    run: Run = None,
    bins: Annotated[int, typer.Option(min=16, max=100_000, help="Equal bins of time.")] = 300,
    detector: Detector = None,
    pipeline: Pipeline = None,
    data: Where = DATA,
    out: Out = None,
    json_output: Json = False,
) -> None:
    """Fit b + s (1 + sin(2πt/T + φ)) to the rate of nuclear candidates, and correct b and s for the cut.

    Periods from four bins to the whole run are looked at; nothing has to be known before.

    Examples:
        cygnet analyse train --out classifier.json

        cygnet analyse modulation --classifier classifier.json --out modulation.png
    """
    from cygnet.analysis import candidate_rates, correct, fit_modulation, measure
    from cygnet.analysis._modulation_figure import describe, draw_modulation

    check_out(out)
    known = load_classifier(classifier)
    stored = open_stored(data, pipeline, run, detector)
    counted = candidate_rates(measure(stored), known, bins=bins)
    fit = fit_modulation(counted.edges, counted.nuclear)
    nuclear = correct(fit, counted.event_hz, counted.event_hz_error, known.selection)
    if out:
        draw_modulation(counted, fit, nuclear, said(stored), out)
    if json_output:
        print_json({"of": said(stored)} | _modulation_document(counted, fit, nuclear) | {"drawn": drawn(out)})
        return
    typer.echo(f"{said(stored)}: {int(counted.nuclear.sum())} nuclear candidates")
    for line in describe(fit, nuclear):
        typer.echo(f"  {line}")
    say_drawn(out)


def _modulation_document(counted: "Rates", fit: "Modulation", nuclear: "NuclearRate") -> dict[str, Any]:
    names = ("base_hz", "amplitude_hz", "period_seconds", "phase_radians")
    errors = dict(zip((f"{name}_error" for name in names), fit.errors.tolist(), strict=True))
    return {
        "start": f"{format_time(int(counted.start.astype(np.int64)))}Z",
        "edges_seconds": counted.edges.tolist(),
        "events": counted.events.tolist(),
        "candidates": counted.nuclear.tolist(),
        "fit": {name: getattr(fit, name) for name in names}
        | errors
        | {
            "covariance": fit.covariance.tolist(),
            "gain": fit.gain,
            "p_value": fit.p_value,
            "deviance": fit.deviance,
            "degrees": fit.degrees,
        },
        "nuclear": {name: number(value) for name, value in asdict(nuclear).items()},
        "scan": {
            "periods_seconds": (1 / fit.scanned.frequencies).tolist(),
            "gains": fit.scanned.gains.tolist(),
        },
    }
