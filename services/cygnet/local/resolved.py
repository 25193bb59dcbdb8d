"""The resolved spec that services start from: one pipeline, every field, paths that hold anywhere."""

from pathlib import Path

from cygnet.local.keys import write_private
from cygnet.spec.dumper import dumps
from cygnet.spec.local import S3Tls
from cygnet.spec.pipeline import Pipeline


def resolve(pipeline: Pipeline, file: Path, *, one_run: bool) -> Pipeline:
    """Return the pipeline with paths made absolute; `one_run`: no other run follows."""
    spec = pipeline.spec
    sources = [
        source.model_copy(
            update={
                "replay": source.replay.model_copy(
                    update={"path": str((file.resolve().parent / source.replay.path).resolve())}
                )
            }
        )
        if source.replay
        else source
        for source in spec.sources
    ]
    update: dict[str, object] = {"sources": sources}
    if spec.local.s3.tls:
        s3 = spec.local.s3.model_copy(update={"tls": _with_paths(spec.local.s3.tls, file.resolve().parent)})
        update["local"] = spec.local.model_copy(update={"s3": s3})
    if one_run:
        update["runs"] = "once"
    return pipeline.model_copy(update={"spec": spec.model_copy(update=update)})


def _with_paths(tls: S3Tls, folder: Path) -> S3Tls:
    paths = tls.model_dump(by_alias=False, exclude_none=True)
    return tls.model_copy(update={field: str((folder / path).resolve()) for field, path in paths.items()})


def file_of(pipeline: Pipeline, folder: Path) -> Path:
    """Return where services find the pipeline."""
    return (folder / "specs" / f"{pipeline.metadata.name}.yaml").resolve()


def write(pipeline: Pipeline, file: Path) -> None:
    """Write the pipeline for its services; it may hold passwords of local users."""
    write_private(file, dumps([pipeline]))
