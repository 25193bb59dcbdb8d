"""What the watches have told: Pipelines and their children, as they were last seen.

Not kopf's indexes: those keep an object for ever that was deleted while a watch had to begin anew. What is
here is corrected by complete lists (`resync`), and only what a reconcile looks at is kept.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cygnet_operator.reconcile.labels import INSTANCE

Json = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name of a Pipeline."""
ChildKey = tuple[str, str]
"""Kind and name of a child, in its Pipeline's namespace."""

_MOST_GONE = 10_000


@dataclass(slots=True)
class _Family:
    """One Pipeline and what is labelled as its own; either may be there without the other."""

    pipeline: Json | None
    children: dict[ChildKey, Json]
    version: int = 0
    """Counts the changes of children that matter."""


class Store:
    """The last known state of everything that is watched.

    `on_change` is called with a Pipeline's key when a child of it changes, `on_edit` when itself does.
    """

    def __init__(self, on_change: Callable[[Key], None], on_edit: Callable[[Key], None]) -> None:
        self._families: dict[Key, _Family] = defaultdict(lambda: _Family(None, {}))
        self._on_change = on_change
        self._on_edit = on_edit
        self._gone: dict[str, None] = {}

    def pipelines(self) -> dict[Key, Json]:
        """Return all Pipelines."""
        return {key: each.pipeline for key, each in self._families.items() if each.pipeline is not None}

    def pipeline(self, key: Key) -> Json | None:
        """Return a Pipeline, None when there is none."""
        return self._families[key].pipeline if key in self._families else None

    def children(self, key: Key) -> Mapping[ChildKey, Json]:
        """Return the objects that carry a Pipeline's labels, pods too."""
        return self._families[key].children if key in self._families else {}

    def version(self, key: Key) -> int:
        """Return a number that changes whenever a child does."""
        return self._families[key].version if key in self._families else 0

    def put(self, document: Json) -> None:
        """Take an object as it is now; an older one than that which is known is left alone."""
        key = _key(document)
        if key is None or document["metadata"].get("uid") in self._gone:
            return
        kept = trimmed(document)
        family = self._families[key]
        if document["kind"] == "Pipeline":
            before = family.pipeline
            if before is not None and is_older(document, before):
                return
            family.pipeline = kept
            if before is None or _matters(before) != _matters(kept):
                self._on_edit(key)
            return
        child = (document["kind"], document["metadata"]["name"])
        known = family.children.get(child)
        if known is not None and is_older(document, known):
            return
        family.children[child] = kept
        if known is None or _matters(known) != _matters(kept):
            family.version += 1
            self._on_change(key)

    def drop(self, document: Json) -> None:
        """Take out an object that was deleted, unless another of its name is there already."""
        key, uid = _key(document), document["metadata"].get("uid")
        self._remember_gone(uid)
        if key is None or key not in self._families:
            return
        family = self._families[key]
        if document["kind"] == "Pipeline":
            if family.pipeline is None or family.pipeline["metadata"].get("uid") != uid:
                return
            family.pipeline = None
            self._on_edit(key)
        else:
            child = (document["kind"], document["metadata"]["name"])
            known = family.children.get(child)
            if known is None or known["metadata"].get("uid") != uid:
                return
            del family.children[child]
            family.version += 1
            self._on_change(key)
        if family.pipeline is None and not family.children:
            del self._families[key]

    def resync(self, kind: str, listed: Iterable[Json], version: str, namespace: str | None) -> None:
        """Take a complete list of a kind (in a namespace), of this version; what it lacks is gone.

        What a watch has told since the list was made stays.
        """
        documents = list(listed)
        there = {document["metadata"].get("uid") for document in documents}
        for known in [each for each in self._of_kind(kind) if each["metadata"].get("uid") not in there]:
            is_newer = _is_before(version, str(known["metadata"].get("resourceVersion", "")))
            if namespace in (None, known["metadata"]["namespace"]) and not is_newer:
                self.drop(known)
        for document in documents:
            self.put(document)

    def _remember_gone(self, uid: str | None) -> None:
        """A list that was on its way must not bring a deleted object back."""
        if uid:
            self._gone[uid] = None
            while len(self._gone) > _MOST_GONE:
                del self._gone[next(iter(self._gone))]

    def _of_kind(self, kind: str) -> list[Json]:
        families = list(self._families.values())
        if kind == "Pipeline":
            return [each.pipeline for each in families if each.pipeline is not None]
        return [child for each in families for (of, _), child in each.children.items() if of == kind]


def trimmed(document: Json) -> Json:
    """Return what is kept of an object: not who owns which field, which is most of it."""
    metadata = {name: value for name, value in document["metadata"].items() if name != "managedFields"}
    return {**document, "metadata": metadata}


def is_older(document: Json, known: Json) -> bool:
    """Whether a document is an earlier state of the same object: lists and watches overtake each other."""
    one, other = document["metadata"], known["metadata"]
    if one.get("uid") != other.get("uid"):
        return False
    return _is_before(str(one.get("resourceVersion", "")), str(other.get("resourceVersion", "")))


def _is_before(version: str, other: str) -> bool:
    return version.isdigit() and other.isdigit() and int(version) < int(other)


def _key(document: Json) -> Key | None:
    metadata = document["metadata"]
    if document["kind"] == "Pipeline":
        return metadata["namespace"], metadata["name"]
    instance = metadata.get("labels", {}).get(INSTANCE)
    return (metadata["namespace"], instance) if instance else None


def _matters(document: Json) -> Json:
    """Return what a reconcile looks at: of a Pipeline not its status, which is our own writing."""
    metadata = document["metadata"]
    kept = {name: value for name, value in metadata.items() if name not in ("resourceVersion", "generation")}
    rest = {name: value for name, value in document.items() if name != "metadata"}
    if document["kind"] == "Pipeline":
        rest.pop("status", None)
        kept["generation"] = metadata.get("generation")
    return {**rest, "metadata": kept}
