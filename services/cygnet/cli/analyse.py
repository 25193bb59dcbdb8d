"""`cygnet analyse`: from stored images to tracks, their type, and the modulation of their rate."""

import numpy as np
import typer

from cygnet.cli.analyse_modulation import modulation
from cygnet.cli.analyse_options import (
    DATA,
    ClassifierIfAny,
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
from cygnet.cli.analyse_recoils import roc, train
from cygnet.cli.analyse_source import Groups, open_stored, said, truth_groups
from cygnet.cli.options import Json, Pipeline
from cygnet.cli.output import print_json, print_table

app = typer.Typer(no_args_is_help=True)
_QUANTILES = (0.05, 0.5, 0.95)


@app.callback()
def group() -> None:
    """Measure tracks, tell recoils, fit a modulation.

    Example:
        cygnet analyse features --out features.png
    """


@app.command("gallery")
def gallery(
    run: Run = None,
    classifier: ClassifierIfAny = None,
    detector: Detector = None,
    pipeline: Pipeline = None,
    data: Where = DATA,
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

    check_out(out)
    stored = open_stored(data, pipeline, run, detector)
    ten = choose_ten(stored, classifier)
    if out:
        draw_ten(stored, ten, said(stored), out)
    if json_output:
        print_json({"of": said(stored), "events": [each.document() for each in ten], "drawn": drawn(out)})
        return
    typer.echo(f"{said(stored)}: {len(ten)} of them")
    print_table((">event", "time", "recoil"), ((each.event, each.time, each.recoil or "") for each in ten))
    say_drawn(out)


@app.command("histogram")
def histogram(
    run: Run = None,
    detector: Detector = None,
    pipeline: Pipeline = None,
    data: Where = DATA,
    out: Out = None,
    json_output: Json = False,
) -> None:
    """Count the pixels of all stored images by value.

    Example:
        cygnet analyse histogram --out pixels.png
    """
    from cygnet.analysis._pixels import draw_pixels, pixels_of

    check_out(out)
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
                "drawn": drawn(out),
            }
        )
        return
    middles = (found.edges[1:] + found.edges[:-1]) / 2
    mean = float((middles * found.counts).sum() / found.counts.sum())
    typer.echo(
        f"{said(stored)}: {int(found.counts.sum())} pixels,"
        f" {middles[first]:g} to {middles[last]:g}, mean {mean:.5g}"
    )
    say_drawn(out)


@app.command("features")
def features(
    run: Run = None,
    classifier: ClassifierIfAny = None,
    detector: Detector = None,
    pipeline: Pipeline = None,
    data: Where = DATA,
    out: Out = None,
    json_output: Json = False,
) -> None:
    """Measure every track: light, density, length, width, and more; --json prints them all.

    Tracks are shown by truth, else by a classifier if one is given, else together.

    Examples:
        cygnet analyse features --out features.png

        cygnet analyse features --json | jq '.tracks.light[:5]'
    """
    from cygnet.analysis import decide, measure
    from cygnet.analysis._classifier import groups_of
    from cygnet.analysis._features import NAMES
    from cygnet.analysis._features_figure import SHOWN, draw_features

    check_out(out)
    stored = open_stored(data, pipeline, run, detector)
    measured = measure(stored)
    tracks = measured.tracks
    groups: Groups = truth_groups(stored) or {}
    if not groups and classifier:
        groups = groups_of(decide(measured, load_classifier(classifier)))
    groups = groups or {"all": np.ones(len(tracks), bool)}
    if out:
        draw_features(tracks, groups, said(stored), out)
    if json_output:
        values = {name: [number(value) for value in getattr(tracks, name)] for name in NAMES}
        members = {name: np.flatnonzero(inside).tolist() for name, inside in groups.items()}
        print_json({"of": said(stored), "tracks": values, "groups": members, "drawn": drawn(out)})
        return
    typer.echo(f"{said(stored)}; 5 %, 50 % and 95 % of the tracks lie below")
    rows = []
    for name, label in SHOWN.items():
        for kind, inside in groups.items():
            values_of = getattr(tracks, name)[inside]
            at = np.nanquantile(values_of, _QUANTILES) if np.isfinite(values_of).any() else [np.nan] * 3
            rows.append((label, kind, *(f"{value:.4g}" for value in at)))
    print_table(("feature", "recoil", ">5 %", ">50 %", ">95 %"), rows)
    say_drawn(out)


app.command("roc")(roc)
app.command("modulation")(modulation)
app.command("train")(train)
