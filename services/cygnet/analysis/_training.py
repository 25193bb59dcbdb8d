"""How a classifier is made: learnt on one simulated set, tested on another, its cut chosen on the first."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cygnet.analysis._classifier import LIGHT_EDGES, Classifier, Training, bin_of, score, shape_inputs
from cygnet.analysis._correction import Selection, fraction
from cygnet.analysis._features import Tracks, features, join
from cygnet.analysis._logistic import Logistic, learn
from cygnet.analysis._roc import Roc, roc
from cygnet.imaging import DecodeLimits, crop_center, decode, encode_jpeg
from cygnet.model.errors import BadInputError

if TYPE_CHECKING:
    from cygnet.simulator.cygno.presets import Preset

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
_BLOCK = 64
_THREADS = 2
_CUTS = 400
ROC_EDGES = (5_000.0, 8_000.0, 12_000.0, np.inf)
_FEWEST = 50  # of each type in a bin: ten inputs have 66 terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Simulated tracks and what they are."""

    tracks: Tracks
    nuclear: Flags


def simulate(training: Training, first: int) -> Sample:
    """Measure `training.events` simulated events from number `first` on, half of them nuclear recoils.

    The crops are what a pipeline with `crop: {halfWindow}` stores of the same detector, after the JPEG if
    there is one. Raises BadInputError for a preset, a crop or a quality that cannot be.
    """
    from cygnet.simulator.cygno import Detector

    detector = Detector(
        training.preset, spectrum=training.spectrum, seed=training.seed, noise_level=training.noise_level
    )
    _check(training, detector.preset)
    half = training.shape[0] // 2
    quality = training.jpeg_quality

    def block(start: int) -> tuple[Tracks, Flags]:
        stop = min(start + _BLOCK, first + training.events)
        primaries = [detector.primary(event, 0.5) for event in range(start, stop)]
        images = (detector.image(each.event, each) for each in primaries)
        crops = np.stack([crop_center(_arrived(image, quality), half) for image in images])
        return features(crops), np.array([each.recoil == "nuclear" for each in primaries])

    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        blocks = list(pool.map(block, range(first, first + training.events, _BLOCK)))
    return Sample(
        tracks=join([tracks for tracks, _ in blocks]), nuclear=np.concatenate([truth for _, truth in blocks])
    )


def _check(training: Training, preset: "Preset") -> None:
    if not preset.centred:
        raise BadInputError(
            f"preset: {preset.name!r} has its tracks anywhere, so that few are in a crop of the middle;"
            " accepted: sosc"
        )
    height, width = training.shape
    most = min(preset.shape)
    if height != width or height % 2 or not 2 <= height <= most:
        raise BadInputError(
            f"crop: {height} × {width}; accepted: a square of an even number of pixels, at most {most}"
            f" (half-window {most // 2})"
        )


def _arrived(image: npt.NDArray[Any], jpeg_quality: int | None) -> npt.NDArray[Any]:
    """Return an image as it is after its way to the preprocessor."""
    if jpeg_quality is None:
        return image
    body = encode_jpeg(image, jpeg_quality)
    return decode(body, "image/jpeg", limits=DecodeLimits(max_bytes=len(body), max_pixels=image.size))


def train(training: Training, *, nuclear_share: float) -> Classifier:
    """Simulate, learn, choose the cut, and test on events that were not learnt from.

    nuclear_share: the share of nuclear recoils that is expected on average where the classifier will be
    used; the cut is the best one for it. Raises BadInputError when a bin of light has too few events.
    """
    return train_on(
        simulate(training, 0), simulate(training, training.events), training, nuclear_share=nuclear_share
    )


def train_on(learnt: Sample, tested: Sample, training: Training, *, nuclear_share: float) -> Classifier:
    """As `train`, with the two sets at hand."""
    models = tuple(_models(learnt))
    odds = score(models, learnt.tracks)
    cut = best_cut(odds, learnt.nuclear, nuclear_share)
    unseen = score(models, tested.tracks)
    return Classifier(
        trained_on=training,
        models=models,
        cut=cut,
        selection=selection_of(unseen, tested.nuclear, cut),
        rocs=rocs_of(unseen, tested),
    )


def rocs_of(odds: Floats, sample: Sample) -> tuple[Roc, ...]:
    """Return the ROC of each bin of `ROC_EDGES` that has at least 50 events of each type."""
    curves = []
    for low, high in pairwise(ROC_EDGES):
        members = (sample.tracks.light >= low) & (sample.tracks.light < high)
        if min(sample.nuclear[members].sum(), (~sample.nuclear[members]).sum()) >= _FEWEST:
            curves.append(roc(odds[members], sample.nuclear[members], low=low, high=high))
    return tuple(curves)


def best_cut(odds: Floats, nuclear: Flags, nuclear_share: float) -> float:
    """Return the cut that is expected to measure the period best.

    With a share p of nuclear recoils, efficiency e and leakage f, the error of the period of a modulated
    rate goes as sqrt(f + p (e − f)) / (p (e − f)): the square root of the candidates over the part of
    them that is modulated (from the Fisher information of a sine on a Poisson rate).
    """
    decided = odds[np.isfinite(odds)]
    cuts = np.quantile(decided, np.linspace(0, 1, _CUTS + 1)[:-1])
    signal, background = np.sort(odds[nuclear]), np.sort(odds[~nuclear])  # NaN is sorted to the end
    kept = [np.isfinite(each).sum() for each in (signal, background)]
    e = (kept[0] - np.searchsorted(signal[: kept[0]], cuts, "left")) / len(signal)
    f = (kept[1] - np.searchsorted(background[: kept[1]], cuts, "left") + 1) / (len(background) + 2)
    modulated = nuclear_share * (e - f)
    error = np.sqrt(f + modulated) / np.maximum(modulated, 1e-9)
    return float(cuts[int(np.argmin(error))])


def selection_of(odds: Floats, nuclear: Flags, cut: float) -> Selection:
    """Return which fractions of all nuclear and of all electron recoils a cut takes, undecided ones not."""
    chosen = odds >= cut  # false for NaN
    e, f = (fraction(int((chosen & kind).sum()), int(kind.sum())) for kind in (nuclear, ~nuclear))
    return Selection(efficiency=e[0], efficiency_error=e[1], leakage=f[0], leakage_error=f[1])


def _models(sample: Sample) -> "list[Logistic]":
    bins, inputs = bin_of(sample.tracks), shape_inputs(sample.tracks)
    models = []
    for number, (low, high) in enumerate(pairwise(LIGHT_EDGES)):
        members = bins == number
        truth = sample.nuclear[members]
        if min(truth.sum(), (~truth).sum()) < _FEWEST:
            raise BadInputError(
                f"events: {len(sample.tracks)} have {int(truth.sum())} nuclear and {int((~truth).sum())}"
                f" electron recoils of {low:g} to {high:g} counts; accepted: enough events, {_FEWEST} of each"
            )
        models.append(learn(inputs[members], truth))
    return models
