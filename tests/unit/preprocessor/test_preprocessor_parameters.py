"""Bad parameters are refused with field and value; good ones come in order and are written down first."""

import asyncio
import math
from types import SimpleNamespace

import pytest

from cygnet.model.errors import BadInputError
from cygnet.preprocessor import parameters as module
from cygnet.preprocessor.parameters import Parameters, check_parameters, provenance
from cygnet.spec.stages import Window
from cygnet.spec.workers import Preprocessor
from cygnet.transport.parameters import WindowBounds, check_window
from cygnet.transport.values import ConflictError
from fixtures.rig import LogBook


def spec(**window):
    return Preprocessor.model_validate({"stages": [{"window": {"min": 0, "max": 10, **window}}]})


@pytest.mark.parametrize(
    "document",
    [
        None,
        "three",
        3,
        [80, 120],
        {},
        {"min": 80},
        {"min": 80, "max": 120, "mid": 100},
        {"min": "three", "max": 120},
        {"min": 80, "max": "120"},
        {"min": None, "max": 120},
        {"min": True, "max": 120},
        {"min": 80, "max": True},
        {"min": math.nan, "max": 120},
        {"min": 80, "max": math.nan},
        {"min": -math.inf, "max": 120},
        {"min": 80, "max": math.inf},
        {"min": 80, "max": 10**400},
        {"min": 120, "max": 80},
        {"min": 80, "max": 80},
    ],
)
def test_a_window_that_is_none_names_field_value_and_what_is_accepted(document):
    with pytest.raises(BadInputError, match=r"params\.window.*accepted: "):
        check_window(document)


@pytest.mark.parametrize(
    ("bound", "said"),
    [(math.nan, "nan is not finite"), (10**400, "is out of range"), (None, "None is no number")],
)
def test_what_is_wrong_with_a_bound_is_said(bound, said):
    with pytest.raises(BadInputError, match=said):
        check_window({"min": bound, "max": 120})


@pytest.mark.parametrize(("low", "high"), [(80, 120), (-5.5, 0.25), (0, 2**32), (-(2**32), 1)])
def test_a_good_window_is_taken_as_it_is(low, high):
    assert check_window({"min": low, "max": high}) == WindowBounds(low, high)


@pytest.mark.parametrize(
    "window", [{"min": 0.5, "max": 10}, {"min": 0, "max": 65536}, {"min": -1, "max": 65535}]
)
def test_levels_take_whole_numbers_that_a_pixel_can_hold(window):
    view = Window.model_validate({"min": 0, "max": 10, "output": "levels"})
    with pytest.raises(BadInputError, match="levels"):
        check_parameters({"window": window}, view)
    assert check_parameters({"window": {"min": -1, "max": 65534}}, view) == WindowBounds(-1, 65534)


def test_whole_bounds_are_written_as_integers_for_the_notebooks_arithmetic():
    assert [type(x) for x in WindowBounds(80.0, 120.5).as_written()] == [int, float]


def test_the_same_parameters_have_the_same_document_and_others_another():
    bounds = WindowBounds(0, 10)
    assert provenance(spec(), 3, bounds) == provenance(spec(), 3, WindowBounds(0.0, 10.0))
    assert provenance(spec(), 4, bounds) != provenance(spec(), 3, bounds)
    document = provenance(spec(), 3, bounds)
    assert document["parameters"] == {"window": {"min": 0, "max": 10}}
    assert document["stages"][0]["window"]["min"] == 0
    other = provenance(spec(), 3, WindowBounds(2, 7))
    assert (other["stages"][0]["window"]["min"], other["stages"][0]["window"]["max"]) == (2, 7), (
        "as it was done"
    )
    assert other["scale"] == {"offset": 2, "factor": 5}
    assert provenance(spec(output="levels"), 3, bounds)["scale"] == {"offset": 0, "factor": 1}
    assert provenance(spec(legacyUnderflow=True), 3, bounds)["scale"] is None
    assert provenance(Preprocessor(), 0, None)["scale"] == {"offset": 0, "factor": 1}
    assert provenance(Preprocessor(), 0, None)["parameters"] == {}


class Values:
    """Values whose next answers wait for a word."""

    def __init__(self):
        self.document, self.revision = None, 0
        self.written = {}
        self.open = asyncio.Event()
        self.open.set()
        self.asked = 0

    def set(self, document):
        self.document, self.revision = document, self.revision + 1

    async def get(self, key):
        if key != "params":
            data, revision = self.written.get(key), 1
            return SimpleNamespace(data=data, revision=revision) if data else None
        self.asked += 1
        value = None
        if self.revision:
            value = SimpleNamespace(data=self.document, revision=self.revision)
        await self.open.wait()
        return value

    async def create(self, key, data):
        if key in self.written:
            raise ConflictError(key)
        self.written[key] = data

    async def update(self, key, data, revision):
        self.written[key] = data


@pytest.fixture
def values(monkeypatch):
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.0)
    return Values()


async def test_a_batch_never_gets_older_parameters_than_the_one_before_it(values, monkeypatch):
    parameters = Parameters(values, spec(), LogBook())
    await parameters.snapshot()
    monkeypatch.setattr(module, "_LOOK_SECONDS", 60.0)
    parameters._looked = -math.inf
    values.set({"window": {"min": 0, "max": 20}})
    values.open.clear()
    first = asyncio.create_task(parameters.snapshot())
    await asyncio.sleep(0)
    second = asyncio.create_task(parameters.snapshot())
    await asyncio.sleep(0)
    values.open.set()
    assert [(await first).revision, (await second).revision] == [1, 1]
    assert values.asked == 2, "who waited need not ask again"


async def test_parameters_never_go_back(values):
    parameters = Parameters(values, spec(), LogBook())
    values.set({"window": {"min": 0, "max": 20}})
    assert (await parameters.snapshot()).revision == 1
    for document in ("three", None, {}, {"window": 7}, [], {"window": {"min": 9, "max": 1}}):
        values.set(document)
        assert (await parameters.snapshot()).revision == 1
    values.revision = 0
    assert (await parameters.snapshot()).revision == 1, "a bucket that lost them changes nothing"
    values.revision = 9
    values.set({"window": {"min": 0, "max": 30}})
    assert (await parameters.snapshot()).window == WindowBounds(0, 30)


async def test_a_worker_that_starts_anew_does_not_go_back_to_the_spec_either(values):
    values.set({"window": {"min": 0, "max": 20}})
    values.set({"window": {"min": 0, "max": 25}})
    before = await Parameters(values, spec(), LogBook()).snapshot()
    for document in ("three", {}, {"window": {"min": 9, "max": 1}}):
        values.set(document)
        started = Parameters(values, spec(), LogBook())
        assert await started.snapshot() == before
        assert (before.revision, before.window) == (2, WindowBounds(0, 25))
    values.set({"window": {"min": 0, "max": 30}})
    assert (await started.snapshot()).window == WindowBounds(0, 30)


async def test_a_snapshot_is_written_down_before_it_is_used(values):
    parameters = Parameters(values, spec(), LogBook())
    snapshot = await parameters.snapshot()
    assert f"provenance.{snapshot.provenance}" in values.written
    again = await Parameters(values, spec(), LogBook()).snapshot()
    assert again.provenance == snapshot.provenance, "another worker names the same document"


async def test_a_bad_document_is_logged_once_and_again_when_it_is_another(values):
    log = LogBook()
    parameters = Parameters(values, spec(), log)
    values.set({"window": "three"})
    for _ in range(3):
        await parameters.snapshot()
    assert len(log.of("parameters refused")) == 1
    values.set({"window": "four"})
    await parameters.snapshot()
    assert [("three" in line["error"], line["revision"]) for line in log.lines] == [(True, 1), (False, 2)]
    values.set({"window": {"min": 1, "max": 2}})
    await parameters.snapshot()
    assert parameters.problem is None


async def test_an_outage_while_parameters_are_read_leaves_the_door_open(values):
    parameters = Parameters(values, spec(), LogBook())

    async def fails(key):
        raise TimeoutError

    right, values.get = values.get, fails
    with pytest.raises(TimeoutError):
        await parameters.snapshot()
    values.get = right
    assert (await parameters.snapshot()).revision == 0
