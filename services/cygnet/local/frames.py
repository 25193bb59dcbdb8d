"""Looks for the frames of replayed folders before anything starts: a source without any could only die."""

from collections.abc import Iterable
from pathlib import Path

from cygnet.model.errors import BadInputError
from cygnet.model.frame_files import frame_files
from cygnet.spec.loader import fault_in
from cygnet.spec.pipeline import Pipeline


def check_frames(pipelines: Iterable[tuple[Path, Pipeline]]) -> None:
    """Raise SpecError, with file, line and field, for a `replay.path` without frames."""
    for file, pipeline in pipelines:
        for number, source in enumerate(pipeline.spec.sources):
            if source.replay is None:
                continue
            try:
                frame_files(file.resolve().parent / source.replay.path)
            except BadInputError as error:
                message, _, accepted = str(error).partition("; accepted: ")
                path = ("spec", "sources", number, "replay", "path")
                raise fault_in(file, pipeline.metadata.name, path, message, accepted) from error
