"""Classifiers as JSON: read by eye, by any language, and never executed."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cygnet.analysis._classifier import LIGHT_EDGES, Classifier, Training
from cygnet.analysis._correction import Selection
from cygnet.analysis._logistic import Logistic
from cygnet.analysis._roc import Roc
from cygnet.model.errors import BadInputError, NoSuchError

FORMAT = "cygnet-classifier-1"
_DIGITS = 6  # of a curve; the models keep all of theirs


def save(classifier: Classifier, path: "str | os.PathLike[str]") -> None:
    """Write a classifier to a file; the same one gives the same bytes. Raises OSError."""
    Path(path).write_text(json.dumps(to_document(classifier), indent=1) + "\n", encoding="utf-8")


def load(where: "str | os.PathLike[str]") -> Classifier:
    """Read a classifier. Raises NoSuchError without the file, BadInputError when it is no classifier."""
    path = Path(where)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NoSuchError(f"there is no classifier {str(path)!r}") from None
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"classifier {str(path)!r}: {error}; accepted: a JSON file of {FORMAT}"
        ) from error
    try:
        return from_document(document)
    except (KeyError, TypeError, ValueError) as error:
        raise BadInputError(f"classifier {str(path)!r}: {error!r}; accepted: a file of {FORMAT}") from error


def to_document(classifier: Classifier) -> dict[str, Any]:
    """Return a classifier as JSON values."""
    return {
        "format": FORMAT,
        "trained_on": asdict(classifier.trained_on) | {"shape": list(classifier.trained_on.shape)},
        "light_edges": [edge for edge in LIGHT_EDGES if np.isfinite(edge)],
        "cut": classifier.cut,
        "selection": asdict(classifier.selection),
        "models": [
            {name: value.tolist() for name, value in asdict(model).items()} for model in classifier.models
        ],
        "rocs": [roc_document(each) for each in classifier.rocs],
    }


def roc_document(roc: Roc) -> dict[str, Any]:
    """Return a ROC as JSON values; a bin without end has `high` null."""
    return asdict(roc) | {
        "high": roc.high if np.isfinite(roc.high) else None,
        "efficiency": np.round(roc.efficiency, _DIGITS).tolist(),
        "leakage": np.round(roc.leakage, _DIGITS).tolist(),
    }


def from_document(document: dict[str, Any]) -> Classifier:
    """Return the classifier of a document. Raises KeyError, TypeError, ValueError when it is none."""
    edges = [edge for edge in LIGHT_EDGES if np.isfinite(edge)]
    if document["format"] != FORMAT or document["light_edges"] != edges:
        raise ValueError(f"format {document['format']!r} with bins of light from {document['light_edges']}")
    shape = document["trained_on"]["shape"]
    if len(document["models"]) != len(edges):
        raise ValueError(f"{len(document['models'])} models for {len(edges)} bins of light")
    return Classifier(
        trained_on=Training(**document["trained_on"] | {"shape": (int(shape[0]), int(shape[1]))}),
        models=tuple(
            Logistic(**{name: np.array(value, np.float64) for name, value in model.items()})
            for model in document["models"]
        ),
        cut=float(document["cut"]),
        selection=Selection(**document["selection"]),
        rocs=tuple(_roc(each) for each in document["rocs"]),
    )


def _roc(document: dict[str, Any]) -> Roc:
    high = np.inf if document["high"] is None else float(document["high"])
    curves = {name: np.array(document[name], np.float64) for name in ("efficiency", "leakage")}
    return Roc(**document | curves | {"high": high})
