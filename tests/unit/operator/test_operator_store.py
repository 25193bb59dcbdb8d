"""What the watches tell, in any order, with lists between them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cygnet_operator.store import Key, Store
from unit.operator.pipelines import document

KEY = ("lab", "lime")


def child(version: int, *, uid: str = "c1", data: str = "x") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "lime-spec",
            "namespace": "lab",
            "uid": uid,
            "resourceVersion": str(version),
            "labels": {"app.kubernetes.io/instance": "lime"},
            "managedFields": [{"manager": "x"}],
        },
        "data": {"pipeline.yaml": data},
    }


class Told:
    """A store, and whom it told of."""

    def __init__(self) -> None:
        self.changed: list[Key] = []
        self.edited: list[Key] = []
        self.store = Store(self.changed.append, self.edited.append)


def test_a_status_that_we_wrote_is_no_news() -> None:
    told = Told()
    told.store.put(document())
    again = document()
    again["metadata"]["resourceVersion"] = "11"
    again["status"] = {"backlog": 3}
    told.store.put(again)
    assert told.edited == [KEY]


def test_annotations_and_generation_of_a_pipeline_are_news() -> None:
    told = Told()
    told.store.put(document())
    annotated = document()
    annotated["metadata"] |= {"resourceVersion": "11", "annotations": {"cygnet.dev/pause-scale-in": "true"}}
    told.store.put(annotated)
    assert told.edited == [KEY, KEY]


def test_a_child_that_is_edited_or_deleted_is_news_and_its_managed_fields_are_not_kept() -> None:
    told = Told()
    told.store.put(child(1))
    told.store.put(child(2))
    told.store.put(child(3, data="edited"))
    told.store.drop(child(4))
    assert told.changed == [KEY] * 3
    assert told.store.children(KEY) == {}


def test_an_old_list_brings_no_deleted_object_back() -> None:
    told = Told()
    told.store.put(child(5))
    listed = child(5)
    told.store.drop(child(6))
    told.store.resync("ConfigMap", [listed], "5", None)
    assert told.store.children(KEY) == {}


def test_a_list_without_an_object_takes_it_out_unless_it_came_after_the_list() -> None:
    told = Told()
    told.store.put(child(5))
    told.store.resync("ConfigMap", [], "4", None)
    assert told.store.children(KEY)
    told.store.resync("ConfigMap", [], "9", "elsewhere")
    assert told.store.children(KEY)
    told.store.resync("ConfigMap", [], "9", "lab")
    assert not told.store.children(KEY)


def test_a_late_word_of_an_earlier_state_changes_nothing() -> None:
    told = Told()
    told.store.put(child(7, data="new"))
    told.store.put(child(6, data="old"))
    assert told.store.children(KEY)["ConfigMap", "lime-spec"]["data"] == {"pipeline.yaml": "new"}


def test_a_deleted_object_does_not_take_its_successor_with_it() -> None:
    told = Told()
    told.store.put(child(7, uid="old"))
    told.store.put(child(9, uid="new"))
    told.store.drop(child(8, uid="old"))
    assert told.store.children(KEY)["ConfigMap", "lime-spec"]["metadata"]["uid"] == "new"


@given(st.permutations([1, 2, 3, 4, 5]))
def test_the_last_state_wins_in_whatever_order_it_is_told(versions: list[int]) -> None:
    told = Told()
    for version in versions:
        told.store.put(child(version, data=str(version)))
    assert told.store.children(KEY)["ConfigMap", "lime-spec"]["data"] == {"pipeline.yaml": "5"}
