"""Pipelines on a Kubernetes cluster, as commands with --namespace see them: read by the kubeconfig."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from cygnet.local.errors import LocalError
from cygnet.model.errors import NoSuchError
from cygnet.spec.loader import loads
from cygnet.spec.pipeline import Pipeline

GROUP, VERSION, PLURAL = "cygnet.dev", "v1alpha1", "pipelines"
_ANSWER_SECONDS = 10
Document = dict[str, Any]
T = TypeVar("T")


class ClusterError(LocalError):
    """The cluster cannot be asked, or refuses; the message says what would help."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """One namespace of a cluster."""

    context: str
    namespace: str
    api: Any
    """The client of `kubernetes`."""

    def __str__(self) -> str:
        return f"namespace {self.namespace} of cluster {self.context}"

    def pipelines(self, name: str | None = None) -> list[Document]:
        """Return the Pipelines of the namespace as the API server has them, or that of this name.

        Raises ClusterError, and NoSuchError when there is none.
        """
        from kubernetes.client import CustomObjectsApi

        ask = CustomObjectsApi(self.api).list_namespaced_custom_object
        answer: Any = self._ask(
            lambda: ask(GROUP, VERSION, self.namespace, PLURAL, _request_timeout=_ANSWER_SECONDS)
        )
        found: list[Document] = answer["items"]
        names = ", ".join(each["metadata"]["name"] for each in found)
        if not found:
            raise NoSuchError(f"there is no Pipeline in {self}")
        if name is None:
            return found
        wanted = [each for each in found if each["metadata"]["name"] == name]
        if not wanted:
            raise NoSuchError(f"there is no Pipeline {name!r} in {self}; accepted: {names}")
        return wanted

    def pipeline(self, name: str | None) -> Document:
        """Return the Pipeline of this name, or the only one of the namespace."""
        found = self.pipelines(name)
        if len(found) > 1:
            names = ", ".join(each["metadata"]["name"] for each in found)
            raise ClusterError(f"several Pipelines are in {self}; say which: --pipeline {names}")
        return found[0]

    def events(self, pipeline: str) -> list[Document]:
        """Return the Events about a Pipeline that the API server still has, oldest first."""
        from kubernetes.client import CustomObjectsApi

        ask = CustomObjectsApi(self.api).list_namespaced_custom_object
        selector = f"regarding.kind=Pipeline,regarding.name={pipeline}"
        answer: Any = self._ask(
            lambda: ask(
                "events.k8s.io",
                "v1",
                self.namespace,
                "events",
                field_selector=selector,
                _request_timeout=_ANSWER_SECONDS,
            )
        )
        return sorted(answer["items"], key=lambda each: str(each.get("eventTime") or ""))

    def _ask(self, ask: Callable[[], T]) -> T:
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        try:
            return ask()
        except ApiException as error:
            raise ClusterError(f"{self}: {_refusal(error)}") from error
        except (HTTPError, OSError) as error:
            raise ClusterError(
                f"cluster {self.context} does not answer ({type(error).__name__});"
                " check KUBECONFIG, or say which with --context"
            ) from error


def open_cluster(namespace: str | None, context: str | None) -> Cluster:
    """Return a namespace of the cluster of a context; None: what the kubeconfig says. Raises ClusterError."""
    try:
        from kubernetes.client import ApiClient, Configuration
        from kubernetes.config import list_kube_config_contexts, load_kube_config
        from kubernetes.config.config_exception import ConfigException
    except ModuleNotFoundError as error:
        raise ClusterError("a cluster needs a client for it: pip install 'cygnet[cluster]'") from error
    file = os.environ.get("KUBECONFIG") or "~/.kube/config"
    settings = Configuration()
    settings.retries = False
    try:
        contexts, current = list_kube_config_contexts(file)  # type: ignore[no-untyped-call]
        names = [each["name"] for each in contexts]
        if context not in (None, *names):
            raise ClusterError(f"--context {context}: accepted: {', '.join(names)}")
        chosen = next((each for each in contexts if each["name"] == context), current)
        load_kube_config(file, context=chosen["name"], client_configuration=settings)  # type: ignore[no-untyped-call]
    except (ConfigException, OSError) as error:
        raise ClusterError(f"no cluster is known here: {error}; set KUBECONFIG to a kubeconfig") from error
    in_context = chosen["context"].get("namespace")
    return Cluster(chosen["name"], namespace or in_context or "default", ApiClient(settings))


def spec_of(document: Mapping[str, Any]) -> Pipeline:
    """Return a Pipeline as the API server has it in our own model. Raises SpecError."""
    metadata = {name: document["metadata"][name] for name in ("name", "namespace")}
    plain = {
        "apiVersion": document["apiVersion"],
        "kind": document["kind"],
        "metadata": metadata,
        "spec": document.get("spec", {}),
    }
    [pipeline] = loads(json.dumps(plain), f"{metadata['namespace']}/{metadata['name']}")
    return pipeline


def _refusal(error: Any) -> str:
    try:
        message = str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        message = str(error.reason)
    if error.status == 404:
        return f"no Pipelines are known there ({message}): install the chart, with its CRD"
    return message
