"""The resolved spec that pods start from, and the part of it whose change rolls them."""

import hashlib
import json

from cygnet.spec.dumper import dumps
from cygnet.spec.metadata import Metadata
from cygnet.spec.pipeline import Pipeline

_LIVE = (
    ("lifecycle",),
    ("deletionPolicy",),
    ("preprocessor", "replicas"),
    ("preprocessor", "scaling"),
    ("uploader", "replicas"),
    ("pods",),
    ("local",),
)
"""What no running service reads: its change needs no new pod (that of a pod's own form makes one anyway)."""


def resolved(pipeline: Pipeline) -> Pipeline:
    """Return the Pipeline as its services need it: without status and without what Kubernetes keeps."""
    metadata = Metadata(name=pipeline.metadata.name, namespace=pipeline.metadata.namespace)
    return pipeline.model_copy(update={"metadata": metadata, "status": {}})


def spec_text(pipeline: Pipeline) -> str:
    """Return the file that services are given."""
    return dumps([resolved(pipeline)])


def spec_hash(pipeline: Pipeline) -> str:
    """Return a hash of what services read at their start; bounds of the window are live and not in it."""
    document = resolved(pipeline).model_dump(mode="json", by_alias=True, exclude_none=True)
    spec = document["spec"]
    for path in _LIVE:
        place = spec
        for name in path[:-1]:
            place = place[name]
        place.pop(path[-1], None)
    for stage in spec["preprocessor"]["stages"]:
        if "window" in stage:
            stage["window"] = {name: value for name, value in stage["window"].items()
                               if name not in ("min", "max")}  # fmt: skip
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]
