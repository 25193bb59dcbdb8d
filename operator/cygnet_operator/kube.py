"""The API client: dicts over aiohttp, server-side apply with one field manager, errors by what to do."""

import asyncio
import json
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp
import kopf

from cygnet_operator.kinds import EVENT, GROUP, PIPELINE, PIPELINE_STATUS, VERSION, Kind
from cygnet_operator.metrics import API_REQUESTS, API_SECONDS

FIELD_MANAGER = "cygnet-operator"
PAGE = 500
REQUEST_SECONDS = 30.0
_TOO_MANY, _SERVER_ERROR = 429, 500
Json = dict[str, Any]


class KubeError(Exception):
    """The API server refused: its code, its reason in one word, and its words."""

    def __init__(self, what: str, code: int, reason: str, message: str) -> None:
        super().__init__(f"{what}: {message or reason} ({code})")
        self.code = code
        self.reason = reason


class KubeAwayError(KubeError):
    """The API server does not answer, or not now: try again later."""


class ForbiddenError(KubeError):
    """The operator's role lacks a verb: whoever installed it has to change that."""


class NotFoundError(KubeError):
    """There is no such object, namespace or kind."""


_ERRORS = {403: ForbiddenError, 404: NotFoundError}


def login(**_: Any) -> kopf.ConnectionInfo | None:
    """Return how to reach the cluster: as the pod's ServiceAccount, else by KUBECONFIG."""
    settings = kopf.OperatorSettings()
    return kopf.login_with_service_account(settings=settings) or kopf.login_with_kubeconfig(settings=settings)


class Kube:
    """One session with the API server. Every call may raise KubeError and those under it."""

    def __init__(self, access: kopf.ConnectionInfo) -> None:
        self._access = access
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = self._new_session()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def list(self, kind: Kind, namespace: str | None, labels: str = "") -> tuple[list[Json], str]:
        """Return all objects, consistent and complete however many pages they are, and the list's version."""
        found: list[Json] = []
        query = {"limit": str(PAGE)} | ({"labelSelector": labels} if labels else {})
        while True:
            answer = await self._call("list", kind, "GET", kind.path(namespace), query=query)
            # In a list, objects do not say their kind.
            found += [{"apiVersion": kind.api_version, "kind": kind.kind, **item} for item in answer["items"]]
            rest = answer["metadata"].get("continue")
            if not rest:
                return found, str(answer["metadata"].get("resourceVersion", ""))
            query["continue"] = rest

    async def apply(self, document: Json, kind: Kind) -> Json:
        """Apply an object server-side, taking back fields that others took; return what is there now."""
        metadata = document["metadata"]
        path = kind.path(metadata["namespace"], metadata["name"])
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return await self._call("apply", kind, "PATCH", path, query=query, body=document)

    async def apply_status(self, namespace: str, name: str, status: Mapping[str, Any]) -> Json:
        """Apply the whole status of a Pipeline: a field that is not in it any more goes away."""
        kind = PIPELINE_STATUS
        metadata = {"namespace": namespace, "name": name}
        document = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "status": status}
        return await self.apply(document, kind)

    async def create_event(self, document: Json) -> None:
        """Create an Event in its namespace."""
        path = EVENT.path(document["metadata"]["namespace"])
        await self._call("create", EVENT, "POST", path, body=document)

    async def knows_pipelines(self) -> bool:
        """Whether the API server serves the Pipeline resource yet."""
        try:
            answer = await self._call("get", PIPELINE, "GET", f"/apis/{GROUP}/{VERSION}")
        except NotFoundError:
            return False
        return any(resource.get("name") == "pipelines" for resource in answer.get("resources", []))

    def _new_session(self) -> aiohttp.ClientSession:
        access = self._access
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=access.as_ssl_context(), limit=32),
            headers={**access.as_http_headers(), "User-Agent": FIELD_MANAGER},
            timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS),
        )

    async def _login_again(self) -> None:
        """Read the credentials again: a ServiceAccount's token is another one every hour."""
        old, access = self._session, await asyncio.to_thread(login)
        if access is not None:
            self._access = access
        self._session = self._new_session()
        if old:
            await old.close()

    async def _call(
        self,
        verb: str,
        kind: Kind,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
    ) -> Json:
        what = f"{method} {path}"
        begun = time.monotonic()
        code = 0
        try:
            code, answer = await self._request(method, path, query, body)
            if code == 401:
                await self._login_again()
                code, answer = await self._request(method, path, query, body)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            said = str(error) or type(error).__name__
            raise KubeAwayError(what, 0, "Unreachable", f"the API server does not answer: {said}") from error
        finally:
            API_SECONDS.labels(verb).observe(time.monotonic() - begun)
            API_REQUESTS.labels(verb, kind.resource, str(code)).inc()
        if code < 400:
            return answer
        away = code == _TOO_MANY or code >= _SERVER_ERROR
        error_type = KubeAwayError if away else _ERRORS.get(code, KubeError)
        raise error_type(what, code, str(answer.get("reason", "")), str(answer.get("message", "")))

    async def _request(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Json | None
    ) -> tuple[int, Json]:
        if self._session is None:
            raise RuntimeError("the session was not opened")
        form = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        async with self._session.request(
            method,
            self._access.server.rstrip("/") + path,
            params=query,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": form, "Accept": "application/json"},
        ) as response:
            text = await response.text()
            try:
                answer = json.loads(text)
            except ValueError:
                answer = {"message": text[:500]}
            return response.status, answer if isinstance(answer, dict) else {"message": text[:500]}
