"""From stored images to measured tracks: block by block, so that a run of any length fits the memory."""

from collections.abc import Iterator
from dataclasses import dataclass
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
    return Measured(tracks=join(parts), times=stored.times, shape=shape)


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

    Raises BadInputError when the crops are not of the shape that it was trained on: a crop cuts tracks.
    """
    _check_shape(measured, classifier)
    return classifier.decide(measured.tracks)


def candidate_rates(measured: Measured, classifier: Classifier, *, bins: int) -> Rates:
    """Return the rates of events and of nuclear candidates in equal bins of time."""
    nuclear = decide(measured, classifier) == Decision.NUCLEAR
    return rates(measured.times, nuclear, bins=bins)


def judge(
    stored: Stored, classifier: Classifier, nuclear: npt.NDArray[np.bool_]
) -> tuple[tuple[Roc, ...], Selection]:
    """Return what a classifier is worth on images whose truth (N,) is known: ROCs by light, and the cut's.

    Raises BadInputError when the truth is not of both types.
    """
    measured = measure(stored)
    _check_shape(measured, classifier)
    odds = classifier.log_odds(measured.tracks)
    sample = Sample(tracks=measured.tracks, nuclear=nuclear)
    return rocs_of(odds, sample), selection_of(odds, nuclear, classifier.cut)


def _check_shape(measured: Measured, classifier: Classifier) -> None:
    wanted = classifier.trained_on.shape
    if measured.shape != wanted:
        raise BadInputError(
            f"images: {measured.shape[0]} × {measured.shape[1]}; accepted: {wanted[0]} × {wanted[1]}, as"
            " this classifier was trained on"
        )
