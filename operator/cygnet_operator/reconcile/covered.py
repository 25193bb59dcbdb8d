"""Whether an object is as it should be, so that it needs no call: without any memory of what was applied."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

HASH_ANNOTATION = "cygnet.dev/applied"
"""Hash of what was applied last: tells a field that is not wanted any more, which is there all the same."""
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|[MGTPE]|[KMGTPE]i)?")
_UNITS = {"m": Decimal("0.001"), "k": Decimal(1000)} | {
    f"{letter}{binary}": Decimal(base) ** power
    for binary, base in (("", 1000), ("i", 1024))
    for power, letter in enumerate("KMGTPE", start=1)
}
Json = dict[str, Any]


def stamped(document: Json) -> Json:
    """Return the object with the hash of itself; replicas come and go, and are not in it."""
    spec = document.get("spec")
    hashed = {**document, "spec": {**spec, "replicas": None}} if isinstance(spec, dict) else document
    digest = hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()[:16]
    metadata = document["metadata"]
    annotations = {**metadata.get("annotations", {}), HASH_ANNOTATION: digest}
    return {**document, "metadata": {**metadata, "annotations": annotations}}


def covers(there: Any, wanted: Any) -> bool:
    """Whether everything that is wanted is there; what others or the API server added does not matter.

    Of lists, each wanted entry has its counterpart: by uid or name where entries have one, else by place.
    """
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(
            name in there and covers(there[name], value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(there, list) and _covers_list(there, wanted)
    if isinstance(wanted, str) and isinstance(there, str):
        return there == wanted or _same_quantity(there, wanted)
    return type(there) is type(wanted) and bool(there == wanted)


def _covers_list(there: Sequence[Any], wanted: Sequence[Any]) -> bool:
    identity = next(
        (name for name in ("uid", "name") if wanted and all(_has(each, name) for each in wanted)), None
    )
    if identity is None:
        return len(there) == len(wanted) and all(map(covers, there, wanted))
    by_identity = {each.get(identity): each for each in there if isinstance(each, Mapping)}
    return all(covers(by_identity.get(each[identity]), each) for each in wanted)


def _has(entry: object, name: str) -> bool:
    return isinstance(entry, Mapping) and name in entry


def _same_quantity(there: str, wanted: str) -> bool:
    """The API server writes quantities in a form of its own: 0.5 as 500m, 1024Mi as 1Gi."""
    amounts = [_amount(text) for text in (there, wanted)]
    return amounts[0] is not None and amounts[0] == amounts[1]


def _amount(text: str) -> Decimal | None:
    found = _QUANTITY.fullmatch(text)
    return Decimal(found[1]) * (_UNITS[found[2]] if found[2] else 1) if found else None
