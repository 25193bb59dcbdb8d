"""`cygnet analyse roc` and `train`: how well recoils are told, and what tells them."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

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
    say_drawn,
)
from cygnet.cli.analyse_source import open_stored, said, truth_groups
from cygnet.cli.options import Json, Pipeline
from cygnet.cli.output import print_json, print_table
from cygnet.model.errors import BadInputError


def roc(
    classifier: ClassifierFile,
    run: Run = None,
    detector: Detector = None,
    pipeline: Pipeline = None,
    data: Where = DATA,
    out: Out = None,
    json_output: Json = False,
) -> None:
    """Say how well a classifier tells the recoils of a simulated run, by its truth, for each bin of light.

    Example:
        cygnet analyse roc --classifier classifier.json --out roc.png
    """
    from cygnet.analysis._classifier_file import roc_document
    from cygnet.analysis._roc_figure import draw_rocs, light_range
    from cygnet.analysis._stored import judge

    check_out(out)
    known = load_classifier(classifier)
    stored = open_stored(data, pipeline, run, detector)
    truth = truth_groups(stored)
    if truth is None:
        raise BadInputError(f"{said(stored)}: no truth is kept; accepted: a simulated run")
    rocs, selection = judge(stored, known, truth["nuclear"])
    if out:
        draw_rocs(rocs, selection, said(stored), out)
    if json_output:
        documents = [roc_document(each) for each in rocs]
        print_json(
            {"of": said(stored), "rocs": documents, "selection": asdict(selection), "drawn": drawn(out)}
        )
        return
    typer.echo(said(stored))
    print_table(
        ("light", ">nuclear", ">electronic", ">AUC", ">error"),
        ((light_range(r), r.nuclear, r.electronic, f"{r.auc:.4f}", f"{r.auc_error:.4f}") for r in rocs),
    )
    typer.echo(
        f"the cut keeps {selection.efficiency:.4f} ± {selection.efficiency_error:.4f} of all nuclear recoils"
        f" and {selection.leakage:.4f} ± {selection.leakage_error:.4f} of all electron recoils"
    )
    say_drawn(out)


def train(
    out: Annotated[Path, typer.Option("--out", metavar="FILE.json", help="File to write.")],
    preset: Annotated[str, typer.Option(help="Of the simulated detector.")] = "sosc",
    spectrum: Annotated[str, typer.Option(help="Of its recoils.")] = "overlap",
    seed: Annotated[int, typer.Option(min=0, help="Another one than the run's.")] = 1_000_000,
    events: Annotated[
        int, typer.Option(min=1000, help="To learn from; as many are simulated to test.")
    ] = 20_000,
    noise_level: Annotated[float, typer.Option(min=0, max=1, help="As the run's noiseLevel.")] = 0.0,
    half_window: Annotated[int, typer.Option(min=8, help="As the run's crop.")] = 112,
    nuclear_share: Annotated[
        float,
        typer.Option(min=0.001, max=0.999, help="Expected in the run, on average; the cut is best for it."),
    ] = 0.1,
    json_output: Json = False,
) -> None:
    """Teach a classifier on simulated events, and test it on others.

    Example:
        cygnet analyse train --noise-level 0.02 --out classifier.json
    """
    from cygnet.analysis import Training, save
    from cygnet.analysis import train as teach
    from cygnet.analysis._roc_figure import light_range

    taught = teach(
        Training(
            preset=preset,
            spectrum=spectrum,
            seed=seed,
            events=events,
            noise_level=noise_level,
            shape=(2 * half_window, 2 * half_window),
        ),
        nuclear_share=nuclear_share,
    )
    try:
        save(taught, out)
    except OSError as error:
        raise BadInputError(f"--out {out} can't be written: {error.strerror or error}") from error
    found = taught.selection
    if json_output:
        aucs = [{"low": r.low, "auc": r.auc, "auc_error": r.auc_error} for r in taught.rocs]
        print_json({"file": str(out), "aucs": aucs, "efficiency": found.efficiency, "leakage": found.leakage})
        return
    for each in taught.rocs:
        typer.echo(f"  {light_range(each)}: AUC {each.auc:.4f} ± {each.auc_error:.4f}")
    typer.echo(
        f"  of all events, efficiency {found.efficiency:.3f}, leakage {found.leakage:.4f}, below 5 k counts 0"
    )
    typer.echo(f"written: {out}")
