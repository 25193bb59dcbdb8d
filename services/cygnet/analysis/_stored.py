"""From stored images to measured tracks: block by block, so that a run of any length fits the memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cygnet.analysis._classifier import Classifier, Decision
from cygnet.analysis._correction import Selection
from cygnet.analysis._features import Tracks, features, join
from cygnet.analysis._rates import Rates, rates
from cygnet.analysis._roc import Roc
from cygnet.analysis._training import Sample, rocs_of, selection_of
from cygnet.model.errors import BadInputError
from cygnet.storage.dataset import Dataset

Images = npt.NDArray[Any]
_BLOCK_BYTES = 64 << 20
_SAME = ("preset", "noise_level", "jpeg_quality")  # of a run and of what its classifier learnt on


class Stored(Protocol):
    """Images and their times: what `cygnet.open` and `read_school_chunks` return."""

    @property
    def times(self) -> npt.NDArray[np.datetime64]:
        """Their times, (N,)."""

    def __len__(self) -> int:
        """Return how many there are."""

    def images(self, start: int = 0, stop: int | None = None) -> Images:
        """Return some of them, (N, H, W)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The tracks of a run, without its images."""

    tracks: Tracks
    times: npt.NDArray[np.datetime64]
    """(N,)."""
    shape: tuple[int, int]
    """Of each image, (H, W)."""
    simulation: Mapping[str, str] = field(default_factory=dict)
    """How the run was simulated, see `Dataset.simulation`; empty where nothing is known."""


def blocks(stored: Stored) -> Iterator[Images]:
    """Yield all images in stacks (n, H, W) of about 64 MB. Raises BadInputError when there are none."""
    first = stored.images(0, 1)
    size = max(1, _BLOCK_BYTES // first.nbytes)
    for start in range(0, len(stored), size):
        yield stored.images(start, start + size)


def measure(stored: Stored) -> Measured:
    """Return the features of every image. Raises BadInputError for windowed ones: they are no counts."""
    why = windowed(stored)
    if why:
        raise BadInputError(
            f"the images are windowed ({why}): what lay outside of the window is lost, and so are light in"
            " counts, density and all that is decided by them; a gallery and a histogram can be made;"
            " accepted: images stored without the stage `window`"
        )
    parts, shape = [], (0, 0)
    for stack in blocks(stored):
        parts.append(features(stack))
        shape = (int(stack.shape[-2]), int(stack.shape[-1]))
    simulation = stored.simulation() if isinstance(stored, Dataset) else {}
    return Measured(tracks=join(parts), times=stored.times, shape=shape, simulation=simulation)


def windowed(stored: Stored) -> str:
    """Return why the images are no longer counts, empty if they are: by provenance where there is any."""
    if isinstance(stored, Dataset):
        stages = stored[0].provenance.get("stages", [])
        windows = [stage["window"] for stage in stages if "window" in stage]
        return f"stage window {windows[0]['min']:g} … {windows[0]['max']:g}" if windows else ""
    why: str = getattr(stored, "windowed", "")
    return why


def decide(measured: Measured, classifier: Classifier) -> npt.NDArray[np.int8]:
    """Return the classifier's `Decision` on each track, (N,) int8.

    Raises BadInputError when the crops are not of the shape that it was trained on: a crop cuts tracks; and
    when the run says that it was simulated with another preset, noise or JPEG. Of a run that says nothing,
    real frames above all, that the classifier fits is for its user to know.
    """
    _check(measured, classifier)
    return classifier.decide(measured.tracks)


def candidate_rates(measured: Measured, classifier: Classifier, *, bins: int) -> Rates:
    """Return the rates of events and of nuclear candidates in equal bins of time.

    Raises BadInputError as `decide` and `rates` do, and for a run that says it has another spectrum than the
    classifier was trained on: efficiency and leakage are then not those of its selection.
    """
    _check(measured, classifier, "spectrum")
    nuclear = decide(measured, classifier) == Decision.NUCLEAR
    return rates(measured.times, nuclear, bins=bins)


def judge(
    stored: Stored, classifier: Classifier, nuclear: npt.NDArray[np.bool_]
) -> tuple[tuple[Roc, ...], Selection]:
    """Return what a classifier is worth on images whose truth (N,) is known: ROCs by light, and the cut's.

    Raises BadInputError when the truth is not of both types, and as `decide` does.
    """
    measured = measure(stored)
    _check(measured, classifier)
    odds = classifier.log_odds(measured.tracks)
    sample = Sample(tracks=measured.tracks, nuclear=nuclear)
    return rocs_of(odds, sample), selection_of(odds, nuclear, classifier.cut)


def _check(measured: Measured, classifier: Classifier, *further: str) -> None:
    wanted = classifier.trained_on.shape
    if measured.shape != wanted:
        raise BadInputError(
            f"images: {measured.shape[0]} × {measured.shape[1]}; accepted: {wanted[0]} × {wanted[1]}, as"
            " this classifier was trained on"
        )
    trained = {name: getattr(classifier.trained_on, name) for name in (*_SAME, *further)}
    runs = {name: measured.simulation[name] for name in trained if name in measured.simulation}
    others = [name for name, value in runs.items() if not _is(value, trained[name])]
    if others:
        its = ", ".join(f"{name} {runs[name] or None}" for name in others)
        accepted = ", ".join(f"{name} {trained[name]}" for name in others)
        raise BadInputError(
            f"the run was simulated with {its}; accepted: {accepted}, as this classifier was trained on;"
            " `cygnet analyse train` makes another one"
        )


def _is(said: str, value: str | float | None) -> bool:
    """Return whether a text stands for a value; an empty one for None."""
    if isinstance(value, str) or value is None:
        return said == (value or "")
    return bool(said) and float(said) == value
