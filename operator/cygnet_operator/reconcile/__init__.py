"""What a Pipeline's objects should be, as dicts: pure functions of its spec and of what is seen."""

from cygnet_operator.reconcile.covered import HASH_ANNOTATION, covers, stamped
from cygnet_operator.reconcile.labels import SELECTOR, labels, role_of
from cygnet_operator.reconcile.objects import Replicas, Wanted, objects

__all__ = [
    "HASH_ANNOTATION",
    "SELECTOR",
    "Replicas",
    "Wanted",
    "covers",
    "labels",
    "objects",
    "role_of",
    "stamped",
]
