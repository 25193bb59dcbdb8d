"""The cluster, namespaces of a test's own under `restricted`, and the images in it."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cluster.clusters import Cluster, choose
from cluster.kubectl import Kubectl
from cluster.report import Measured, Report

PIPELINE_IMAGES = ("simulator", "preprocessor", "aggregator", "uploader")
IMAGES = (*PIPELINE_IMAGES, "operator", "nats", "s3")
REPORT = pytest.StashKey[Report]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="the tests of full length too")
    parser.addoption("--page", type=Path, metavar="FILE", help="write what was measured into this page")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[REPORT] = Report()
    config.addinivalue_line("markers", "full: of full length; only with --full")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--full"):
        return
    long = [item for item in items if item.get_closest_marker("full")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    report, page = config.stash[REPORT], config.getoption("page")
    if lines := report.lines():
        terminalreporter.section("measured")
        terminalreporter.write_line("\n".join(lines))
    if page:
        report.write(page)


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Takes lines that are to be read after the tests, and on the page of figures."""
    report = request.config.stash[REPORT]
    return lambda text: report.add(request.node.nodeid.removeprefix("tests/cluster/"), text)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """A cluster that runs; it is left running."""
    return choose()


@pytest.fixture(scope="session")
def images(cluster: Cluster) -> Callable[[str], str]:
    """The name of each of Cygnet's images, which are built from this working tree and on every node."""
    cluster.load(IMAGES)
    return cluster.image


@contextmanager
def new_namespaces(cluster: Cluster) -> Iterator[Callable[[], str]]:
    """Make namespaces that enforce Pod Security `restricted`, and delete them with all that is in them."""
    made: list[str] = []

    def make() -> str:
        name = f"test-{secrets.token_hex(4)}"
        labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        cluster.kubectl.apply(namespace)
        made.append(name)
        return name

    yield make
    for name in made:
        cluster.kubectl.delete("namespace", name)


@pytest.fixture
def new_namespace(cluster: Cluster) -> Iterator[Callable[[], str]]:
    with new_namespaces(cluster) as make:
        yield make


@pytest.fixture
def namespace(new_namespace: Callable[[], str]) -> str:
    return new_namespace()


@pytest.fixture
def kubectl(cluster: Cluster, namespace: str) -> Kubectl:
    """kubectl in the test's namespace."""
    return cluster.kubectl.within(namespace)
