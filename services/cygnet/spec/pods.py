"""How a pipeline's services run as pods; `cygnet up` runs them as processes and leaves this alone."""

import re
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from cygnet.spec.base import Part, SecretName, accepts
from cygnet.spec.rules import broken

Image = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$", max_length=500),
    accepts("an image as in registry/name:tag or registry/name@sha256:…"),
]
Quantity = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$", max_length=20),
    accepts("a quantity of Kubernetes, such as 500m, 2 or 1Gi"),
]
_LONGEST_LABEL_NAME = 317
_LABEL_NAME = r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$"
LabelName = Annotated[
    str,
    StringConstraints(pattern=_LABEL_NAME, max_length=_LONGEST_LABEL_NAME),
    accepts("a name of a label, with or without a domain before it"),
]
LabelValue = Annotated[
    str,
    StringConstraints(pattern=r"^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$", max_length=63),
    accepts("at most 63 of A-Z a-z 0-9 _ . -, beginning and ending with a letter or digit"),
]


class Amounts(Part):
    """Amounts of what a node has."""

    cpu: Quantity | None = None
    """Processors, or thousandths of one as in `500m`."""
    memory: Quantity | None = None
    """Memory in bytes, as in `1Gi`."""


class Resources(Part):
    """What a pod is given of its node."""

    requests: Amounts = Amounts()
    """What its node must have free; absent: a little for a start."""
    limits: Amounts = Amounts()
    """What it may not exceed; absent: no limit."""


class Toleration(Part):
    """A taint of nodes that a pod stands."""

    key: LabelName | None = None
    """Key of the taint; absent: every key, with `operator: Exists`."""
    operator: Literal["Exists", "Equal"] = "Equal"
    """`Exists`: whatever its value."""
    value: LabelValue | None = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint; absent: every effect."""
    toleration_seconds: Annotated[int, Field(ge=0, le=86400)] | None = None
    """How long a pod stays on a node that gets a `NoExecute` taint; absent: for ever."""

    @model_validator(mode="after")
    def _fits(self) -> "Toleration":
        """`operator: Exists` has no `value`; without a `key` it is `Exists`; seconds need `NoExecute`."""
        if self.operator == "Exists" and self.value is not None:
            raise broken("operator: Exists has no value", "value")
        if self.operator == "Equal" and self.key is None:
            raise broken("without a key the operator is Exists", "operator")
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            raise broken("tolerationSeconds goes with effect: NoExecute", "tolerationSeconds")
        return self


class Claim(Part):
    """A PersistentVolumeClaim with files to read, such as frames to replay."""

    claim_name: SecretName
    """Name of the claim, in the Pipeline's namespace."""
    mount_path: Annotated[
        str,
        StringConstraints(pattern=r"^/[A-Za-z0-9_./-]+$", max_length=500),
        accepts("an absolute path of A-Z a-z 0-9 _ . / -"),
    ]
    """Where its files are found, read-only."""


class Pod(Part):
    """How one of the services runs."""

    image: Image | None = None
    """Image; absent: the installation's own."""
    image_pull_secrets: Annotated[list[SecretName], Field(max_length=16)] = []
    """Secrets for the image's registry, in the Pipeline's namespace."""
    resources: Resources = Resources()
    """What it is given of its node."""
    node_selector: Annotated[dict[str, LabelValue], Field(max_length=32)] = {}
    """Labels that its node must have."""
    tolerations: Annotated[list[Toleration], Field(max_length=32)] = []
    """Taints of nodes that it stands; a node that cannot be reached always loses it after 30 s."""

    @model_validator(mode="after")
    def _labels_are_labels(self) -> "Pod":
        """The names in `nodeSelector` are names of labels, with or without a domain before them."""
        for name in self.node_selector:
            if len(name) > _LONGEST_LABEL_NAME or not re.search(_LABEL_NAME, name):
                raise broken(
                    "nodeSelector takes names of labels, such as kubernetes.io/arch", "nodeSelector", name
                )
        return self


class SourcePod(Pod):
    """How the source runs."""

    claims: Annotated[list[Claim], Field(max_length=16)] = []
    """Volumes that `replay.path` may lie on."""

    @model_validator(mode="after")
    def _claims_differ(self) -> "SourcePod":
        """No two `claims` have the same `mountPath`."""
        paths = [claim.mount_path.rstrip("/") for claim in self.claims]
        for place, path in enumerate(paths):
            if path in paths[:place]:
                raise broken(f"mountPath {path!r} is there twice", "claims", str(place), "mountPath")
        return self


class Pods(Part):
    """How the services run on a cluster."""

    source: SourcePod = SourcePod()
    """The source: one process of all `sources`."""
    preprocessor: Pod = Pod()
    """Each worker."""
    aggregator: Pod = Pod()
    """The aggregator."""
    uploader: Pod = Pod()
    """Each uploader."""
