"""The CustomResourceDefinition of a Pipeline, made from the models: what `kubectl` knows of it."""

import yaml

from cygnet.spec.documents import KIND
from cygnet.spec.metadata import Metadata
from cygnet.spec.pipeline import API_VERSION, PipelineSpec
from cygnet.spec.rules import Cel, Rule
from cygnet.spec.schema import Schema
from cygnet.spec.status import PipelineStatus
from cygnet.spec.structural import structural, validation
from cygnet.spec.transitions import FIXED

GROUP, VERSION = API_VERSION.split("/")
PLURAL = "pipelines"
_HEAD = """\
# Generated from the models in services/cygnet/spec by `cygnet schema --crd`. Do not edit.
"""
_ABOUT = (
    "A pipeline takes the frames of image detectors, processes them, and stores each once and only once."
    " `kubectl explain pipeline.spec --recursive` lists all fields."
)


def crd() -> Schema:
    """Return the CustomResourceDefinition."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["cyg", "pl"],
                "categories": ["daq"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": _schema()},
                    "subresources": {"status": {}, "scale": _SCALE},
                    "additionalPrinterColumns": _COLUMNS,
                }
            ],
        },
    }


def crd_yaml() -> str:
    """Return the CustomResourceDefinition as YAML, with a line that says where it comes from."""
    written: str = yaml.safe_dump(crd(), sort_keys=False, allow_unicode=True, width=110)
    return _HEAD + written


_SCALE = {
    "specReplicasPath": ".spec.preprocessor.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.selector",
}


def _column(name: str, kind: str, path: str, description: str, *, wide: bool = False) -> Schema:
    column = {"name": name, "type": kind, "jsonPath": path, "description": description}
    return column | ({"priority": 1} if wide else {})


def _condition(name: str, field: str) -> str:
    return f'.status.conditions[?(@.type=="{name}")].{field}'


_COLUMNS = [
    _column("Ready", "string", _condition("Ready", "status"), "Whether the pipeline is well."),
    _column("Reason", "string", _condition("Ready", "reason"), "If not, why."),
    _column("Rate", "number", ".status.rateHz", "Frames processed in a second."),
    _column("Lag", "number", ".status.lagSeconds", "Seconds in which the backlog would be worked off."),
    _column("Replicas", "integer", ".status.replicas", "Preprocessors that there are."),
    _column("Desired", "integer", ".status.desiredReplicas", "Preprocessors that were decided on."),
    _column("Stored", "integer", ".status.storedEvents", "Events of the run that are in the bucket."),
    _column("Dead", "integer", ".status.deadEvents", "Events of the run that were given up."),
    _column("Age", "date", ".metadata.creationTimestamp", "Time since it was made."),
    _column("Lifecycle", "string", ".spec.lifecycle", "What is asked for.", wide=True),
    _column("Run", "string", ".status.run", "The present run, or the last one.", wide=True),
    _column("Backlog", "integer", ".status.backlog", "Frames that wait for a preprocessor.", wide=True),
    _column("Oldest", "number", ".status.oldestAgeSeconds", "Age of the oldest frame, seconds.", wide=True),
    _column("Limited", "string", _condition("ScalingLimited", "reason"), "What limits scaling.", wide=True),
    _column("Message", "string", _condition("Ready", "message"), "The reason, in words.", wide=True),
]


def _schema() -> Schema:
    return {
        "type": "object",
        "description": _ABOUT,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
            "spec": structural(PipelineSpec, for_people=True),
            "status": structural(PipelineStatus, for_people=False),
        },
        "x-kubernetes-validations": [validation(rule) for rule in (_name(), *FIXED)],
    }


def _name() -> Rule:
    """Return the rule of the name, which Kubernetes would let be longer and have dots."""
    name = Metadata.model_json_schema()["properties"]["name"]
    fits = f"self.metadata.name.matches(r'{name['pattern']}')"
    return Rule(
        f"accepted: {name['patternErrorMessage']}",
        "metadata.name",
        Cel(holds=f"self.metadata.name.size() <= {name['maxLength']} && {fits}"),
    )
