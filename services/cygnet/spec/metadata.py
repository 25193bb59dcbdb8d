"""What names a Pipeline, beside what Kubernetes itself keeps there."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from cygnet.spec.base import accepts

OBJECT_META = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
)
"""What Kubernetes itself may write beside the fields of Metadata."""


class Metadata(BaseModel):
    """Names the pipeline; other metadata of Kubernetes is left alone."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, use_attribute_docstrings=True)

    name: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=40),
        accepts("1 to 40 of a-z 0-9 -, beginning and ending with a letter or digit"),
    ]
    """Name of the pipeline; streams, bucket prefix and workers are named after it."""
    namespace: Annotated[
        str,
        StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63),
        accepts("1 to 63 of a-z 0-9 -, beginning and ending with a letter or digit"),
    ] = "local"
    """Namespace of the cluster; `local` on one machine."""
    labels: dict[str, str] = {}
    """Kubernetes labels."""
    annotations: dict[str, str] = {}
    """Kubernetes annotations."""
