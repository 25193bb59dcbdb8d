"""What `cygnet analyse` looks at: a run in a data folder or a bucket, or a folder of the school's chunks."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

import cygnet
from cygnet.analysis import SchoolChunks, read_school_chunks
from cygnet.cli.access import stored_run
from cygnet.cli.show import dataset_of
from cygnet.model.errors import BadInputError, NoSuchError
from cygnet.storage.dataset import Dataset

Groups = dict[str, npt.NDArray[np.bool_]]


def open_stored(
    data: str, pipeline: str | None, run: str | None, detector: str | None
) -> Dataset | SchoolChunks:
    """Open `s3://bucket[/prefix]`, a data folder's run, or a folder that itself holds npz chunks."""
    if "://" in data:
        return cygnet.open(data, run, detector)
    folder = Path(data)
    if folder.is_dir() and any(folder.glob("*.npz")):
        if run or pipeline or detector:
            raise BadInputError(
                f"--data {data}: chunks of npz know no run, pipeline or detector; leave it out"
            )
        return read_school_chunks(folder)
    return dataset_of(stored_run(folder, pipeline, run), detector)


def said(stored: Dataset | SchoolChunks) -> str:
    """Return what is looked at, for a title."""
    if isinstance(stored, Dataset):
        return f"run {stored.run}, detector {stored.detector}, {len(stored)} events"
    return f"{len(stored)} images in {len(stored.files)} chunks"


def truth_groups(stored: Dataset | SchoolChunks) -> Groups | None:
    """Return which events are nuclear and which electronic, None where there is no truth."""
    if not isinstance(stored, Dataset):
        return None
    try:
        recoils = stored.truth().column("recoil").to_pylist()
    except NoSuchError:
        return None
    nuclear = np.array([recoil == "nuclear" for recoil in recoils])
    return {"nuclear": nuclear, "electronic": ~nuclear}
