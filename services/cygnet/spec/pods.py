"""How a pipeline's services run as pods; `cygnet up` runs them as processes and leaves this alone."""

import re
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from cygnet.spec.base import Part, SecretName, accepts, keyed_by
from cygnet.spec.rules import Cel, Rule

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

_WITHIN_LIMITS = {
    each: Rule(
        "requests must not exceed limits",
        f"requests.{each}",
        Cel(
            holds=f"!has(self.requests.{each}) || !has(self.limits.{each})"
            f" || !quantity(self.requests.{each}).isGreaterThan(quantity(self.limits.{each}))"
        ),
    )
    for each in ("cpu", "memory")
}
_NO_VALUE = Rule(
    "operator: Exists has no value", "value", Cel(holds="self.operator != 'Exists' || !has(self.value)")
)
_NO_KEY = Rule(
    "without a key the operator is Exists",
    "operator",
    Cel(holds="self.operator == 'Exists' || has(self.key)"),
)
_SECONDS = Rule(
    "tolerationSeconds goes with effect: NoExecute",
    "tolerationSeconds",
    Cel(holds="!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')"),
)
_LABELS = Rule(
    "nodeSelector takes names of labels, such as kubernetes.io/arch",
    "nodeSelector",
    Cel(
        holds=f"self.nodeSelector.all(name, name.size() <= {_LONGEST_LABEL_NAME}"
        f" && name.matches(r'{_LABEL_NAME}'))"
    ),
)
_CLAIMS_DIFFER = Rule("an earlier claim is mounted here; accepted: another path", "claims", by_key=True)
_UNITS = {"": 0, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4}


def amount(quantity: str) -> Decimal:
    """Return the number that a quantity of Kubernetes stands for."""
    number = quantity.rstrip("mkMGTi")
    unit = quantity.removeprefix(number)
    return Decimal(number) * Decimal(1024 if unit.endswith("i") else 10) ** _UNITS[unit]


class Amounts(Part):
    """Amounts of what a node has."""

    cpu: Quantity | None = None
    """Processors, or thousandths of one as in `500m`."""
    memory: Quantity | None = None
    """Memory in bytes, as in `1Gi`."""


class Resources(Part):
    """What a pod is given of its node."""

    RULES = tuple(_WITHIN_LIMITS.values())

    requests: Amounts = Amounts()
    """What its node must have free; absent: a little for a start."""
    limits: Amounts = Amounts()
    """What it may not exceed; absent: no limit."""

    @model_validator(mode="after")
    def _limited(self) -> "Resources":
        """`requests` must not exceed `limits`."""
        for each, asked, limit in (
            ("cpu", self.requests.cpu, self.limits.cpu),
            ("memory", self.requests.memory, self.limits.memory),
        ):
            if asked and limit and amount(asked) > amount(limit):
                raise _WITHIN_LIMITS[each].broken()
        return self


class Toleration(Part):
    """A taint of nodes that a pod stands."""

    RULES = (_NO_VALUE, _NO_KEY, _SECONDS)

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
            raise _NO_VALUE.broken()
        if self.operator == "Equal" and self.key is None:
            raise _NO_KEY.broken()
        if self.toleration_seconds is not None and self.effect != "NoExecute":
            raise _SECONDS.broken()
        return self


class Claim(Part):
    """A PersistentVolumeClaim with files to read, such as frames to replay."""

    claim_name: SecretName
    """Name of the claim, in the Pipeline's namespace."""
    mount_path: Annotated[
        str,
        StringConstraints(pattern=r"^(/[A-Za-z0-9_.-]+)+$", max_length=500),
        accepts("an absolute path of A-Z a-z 0-9 _ . / -, without / at its end"),
    ]
    """Where its files are found, read-only."""


class Pod(Part):
    """How one of the services runs."""

    RULES: ClassVar[tuple[Rule, ...]] = (_LABELS,)

    image: Image | None = None
    """Image; absent: the installation's own."""
    image_pull_secrets: Annotated[list[SecretName], Field(max_length=16)] = []
    """Secrets for the image's registry, in the Pipeline's namespace."""
    resources: Resources = Resources()
    """Requests and limits."""
    node_selector: Annotated[dict[str, LabelValue], Field(max_length=32)] = {}
    """Labels that its node must have."""
    tolerations: Annotated[list[Toleration], Field(max_length=32)] = []
    """Taints of nodes that it stands; a node that cannot be reached always loses it after 30 s."""

    @model_validator(mode="after")
    def _labels_are_labels(self) -> "Pod":
        """The names in `nodeSelector` are names of labels, with or without a domain before them."""
        for name in self.node_selector:
            if len(name) > _LONGEST_LABEL_NAME or not re.search(_LABEL_NAME, name):
                raise _LABELS.broken("nodeSelector", name)
        return self


class SourcePod(Pod):
    """How the source runs."""

    RULES = (_LABELS, _CLAIMS_DIFFER)

    claims: Annotated[list[Claim], Field(max_length=16), keyed_by("mountPath")] = []
    """Volumes that `replay.path` may lie on."""

    @model_validator(mode="after")
    def _claims_differ(self) -> "SourcePod":
        """No two `claims` have the same `mountPath`."""
        paths = [claim.mount_path for claim in self.claims]
        for place, path in enumerate(paths):
            if path in paths[:place]:
                raise _CLAIMS_DIFFER.broken("claims", str(place), "mountPath")
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
