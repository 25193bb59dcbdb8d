"""`cygnet analyse`: from stored images to tracks, their type, and the modulation of their rate."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from cygnet.cli.analyse_source import Groups, open_stored, said, truth_groups
from cygnet.cli.options import DEFAULT_DATA, Json, Pipeline
from cygnet.cli.output import print_json, print_table
from cygnet.model.errors import BadInputError
from cygnet.model.timestamp import format_time

app = typer.Typer(no_args_is_help=True)
Run = Annotated[str | None, typer.Argument(help="The run; the newest if not given.")]
Detector = Annotated[str | None, typer.Option("--detector", help="Which, if there are several.")]
Where = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="WHERE",
        help="Data folder of `cygnet up`, s3://BUCKET/PREFIX, or a folder of npz chunks.",
    ),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE.png", help="Also draw into this file.")]
ClassifierFile = Annotated[
    Path, typer.Option("--classifier", metavar="FILE.json", help="What `cygnet analyse train` has made.")
]
ClassifierIfAny = Annotated[
    Path | None,
    typer.Option("--classifier", metavar="FILE.json", help="Tell recoils by it where truth is missing."),
]
_DATA = str(DEFAULT_DATA)
_QUANTILES = (0.05, 0.5, 0.95)


@app.callback()
def group() -> None:
    """Measure tracks, tell recoils, fit a modulation."""


@app.command("gallery")
def gallery(
    run: Run = None,
    classifier: ClassifierIfAny = None,
    detector: Detector = None,
    pipeline: Pipeline = None,
    data: Where = _DATA,
    out: Out = None,
    json_output: Json = False,
) -> None:
    """Choose ten events, five of each recoil: by truth, else by a classifier, else the first ten.

    Nuclear recoils are drawn in Blues_r, electron recoils in pink, as the school's notebooks do.

    Examples:
        cygnet analyse gallery --out gallery.png

        cygnet analyse gallery --data ~/cygno-store --out gallery.png
    """
    from cygnet.cli.analyse_gallery import choose_ten, draw_ten

    _check(out)
    stored = open_stored(data, pipeline, run, detector)
    ten = choose_ten(stored, classifier)
    if out:
        draw_ten(stored, ten, said(stored), out)
    if json_output:
        print_json({"of": said(stored), "events": [each.document() for each in ten], "drawn": _drawn(out)})
        return
    typer.echo(f"{said(stored)}: {len(ten)} of them")
    print_table((">event", "time", "recoil"), ((each.event, each.time, each.recoil or "") for each in ten))
    _say_drawn(out)


@app.command("histogram")
def histogram(
    run: Run = None,
    detector: Detector = None,
    pipeline: Pipeline = None,
    data: Where = _DATA,
    out: Out = None,
    json_output: Json = False,
) -> None:
    """Count the pixels of all stored images by value.

    Example:
        cygnet analyse histogram --out pixels.png
    """
    from cygnet.analysis._pixels import draw_pixels, pixels_of

    _check(out)
    stored = open_stored(data, pipeline, run, detector)
    found = pixels_of(stored)
    if out:
        draw_pixels(found, said(stored), out)
    there = np.flatnonzero(found.counts)
    first, last = int(there[0]), int(there[-1])
    if json_output:
        print_json(
            {
                "of": said(stored),
                "edges": found.edges[first : last + 2].tolist(),
                "counts": found.counts[first : last + 1].tolist(),
                "drawn": _drawn(out),
            }
        )
        return
    middles = (found.edges[1:] + found.edges[:-1]) / 2
    mean = float((middles * found.counts).sum() / found.counts.sum())
    typer.echo(
        f"{said(stored)}: {int(found.counts.sum())} pixels, {middles[first]:g} to {middles[last]:g}, mean {mean:.5g}"
    )
    _say_drawn(out)


@app.command("features")
def features(
    run: Run = None,
    classifier: ClassifierIfAny = None,
    detector: Detector = None,
    pipeline: Pipeline = None,
    data: Where = _DATA,
    out: Out = None,
    json_output: Json = False,
) -> None:
    """Measure every track: light, density, length, width, and more; --json prints them all.

    Tracks are shown by truth, else by a classifier if one is given, else together.

    Examples:
        cygnet analyse features --out features.png

        cygnet analyse features --json | jq '.tracks.light[:5]'
    """
    from cygnet.analysis import decide, load, measure
    from cygnet.analysis._classifier import groups_of
    from cygnet.analysis._features import NAMES
    from cygnet.analysis._features_figure import SHOWN, draw_features

    _check(out)
    stored = open_stored(data, pipeline, run, detector)
    measured = measure(stored)
    tracks = measured.tracks
    groups: Groups = truth_groups(stored) or {}
    if not groups and classifier:
        groups = groups_of(decide(measured, load(classifier)))
    groups = groups or {"all": np.ones(len(tracks), bool)}
    if out:
        draw_features(tracks, groups, said(stored), out)
    if json_output:
        values = {name: [_number(value) for value in getattr(tracks, name)] for name in NAMES}
        members = {name: np.flatnonzero(inside).tolist() for name, inside in groups.items()}
        print_json({"of": said(stored), "tracks": values, "groups": members, "drawn": _drawn(out)})
        return
    typer.echo(f"{said(stored)}; 5 %, 50 % and 95 % of the tracks lie below")
    rows = []
    for name, label in SHOWN.items():
        for kind, inside in groups.items():
            values_of = getattr(tracks, name)[inside]
            at = np.nanquantile(values_of, _QUANTILES) if np.isfinite(values_of).any() else [np.nan] * 3
            rows.append((label, kind, *(f"{value:.4g}" for value in at)))
    print_table(("feature", "recoil", ">5 %", ">50 %", ">95 %"), rows)
    _say_drawn(out)


@app.command("roc")
def roc(
    classifier: ClassifierFile,
    run: Run = None,
    detector: Detector = None,
    pipeline: Pipeline = None,
    data: Where = _DATA,
    out: Out = None,
    json_output: Json = False,
) -> None:
    """Say how well a classifier tells the recoils of a simulated run, by its truth, for each bin of light.

    Example:
        cygnet analyse roc --classifier classifier.json --out roc.png
    """
    from cygnet.analysis import load
    from cygnet.analysis._classifier_file import roc_document
    from cygnet.analysis._roc_figure import draw_rocs, light_range
    from cygnet.analysis._stored import judge

    _check(out)
    known = load(classifier)
    stored = open_stored(data, pipeline, run, detector)
    truth = truth_groups(stored)
    if truth is None:
        raise BadInputError(f"{said(stored)}: no truth is kept; accepted: a simulated run")
    rocs, selection = judge(stored, known, truth["nuclear"])
    if out:
        draw_rocs(rocs, selection, said(stored), out)
    if json_output:
        from dataclasses import asdict

        documents = [roc_document(each) for each in rocs]
        print_json(
            {"of": said(stored), "rocs": documents, "selection": asdict(selection), "drawn": _drawn(out)}
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
    _say_drawn(out)


@app.command("modulation")
def modulation(
    classifier: ClassifierFile,
    run: Run = None,
    bins: Annotated[int, typer.Option(min=16, max=100_000, help="Equal bins of time.")] = 300,
    detector: Detector = None,
    pipeline: Pipeline = None,
    data: Where = _DATA,
    out: Out = None,
    json_output: Json = False,
) -> None:
    """Fit b + s (1 + sin(2πt/T + φ)) to the rate of nuclear candidates, and correct b and s for the cut.

    Periods from four bins to the whole run are looked at; nothing has to be known before.

    Examples:
        cygnet analyse train --out classifier.json

        cygnet analyse modulation --classifier classifier.json --out modulation.png
    """
    from cygnet.analysis import candidate_rates, correct, fit_modulation, load, measure
    from cygnet.analysis._modulation_figure import describe, draw_modulation

    _check(out)
    known = load(classifier)
    stored = open_stored(data, pipeline, run, detector)
    counted = candidate_rates(measure(stored), known, bins=bins)
    fit = fit_modulation(counted.edges, counted.nuclear)
    nuclear = correct(fit, counted.event_hz, counted.event_hz_error, known.selection)
    if out:
        draw_modulation(counted, fit, nuclear, said(stored), out)
    if json_output:
        print_json(
            {"of": said(stored)} | _modulation_document(counted, fit, nuclear) | {"drawn": _drawn(out)}
        )
        return
    typer.echo(f"{said(stored)}: {int(counted.nuclear.sum())} nuclear candidates")
    for line in describe(fit, nuclear):
        typer.echo(f"  {line}")
    _say_drawn(out)


@app.command("train")
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
        f"  of all events, efficiency {found.efficiency:.3f}, leakage {found.leakage:.4f}; none below 5 k counts"
    )
    typer.echo(f"written: {out}")


def _modulation_document(counted: Any, fit: Any, nuclear: Any) -> dict[str, Any]:
    from dataclasses import asdict

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
        "nuclear": {name: _number(value) for name, value in asdict(nuclear).items()},
        "scan": {
            "periods_seconds": (1 / fit.scanned.frequencies).tolist(),
            "gains": fit.scanned.gains.tolist(),
        },
    }


def _number(value: float) -> float | None:
    """Return a number that JSON knows."""
    return float(value) if np.isfinite(value) else None


def _check(out: Path | None) -> None:
    if out:
        from cygnet.cli.event_figure import check_figure

        check_figure(out, "--out")


def _drawn(out: Path | None) -> str | None:
    return str(out) if out else None


def _say_drawn(out: Path | None) -> None:
    if out:
        typer.echo(f"drawn: {out}")
