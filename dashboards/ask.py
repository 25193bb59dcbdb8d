"""Asks Prometheus what a committed dashboard asks: its JSON is read, not the board that it was built from."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TIMEOUT_SECONDS = 30.0
Result = list[dict[str, Any]]


class RefusedError(Exception):
    """Prometheus could not make sense of a query; its own words."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, UTC seconds, looked at every `step` seconds."""

    begin: float
    end: float
    step: float


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A Prometheus server, by its address."""

    url: str

    def now(self, expr: str) -> Result:
        """Return what a query gives now."""
        return self._result("query", {"query": expr})

    def over(self, expr: str, span: Span) -> Result:
        """Return what a query gives over time."""
        bounds = {"start": span.begin, "end": span.end, "step": span.step}
        return self._result("query_range", {"query": expr, **bounds})

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return the `data` of an answer of the API. Raises RefusedError."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters or {}, doseq=True)}"
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise RefusedError(f"{parameters}: {json.load(error)['error']}") from error

    def _result(self, path: str, parameters: Mapping[str, Any]) -> Result:
        result: Result = self.get(path, parameters)["result"]
        return result


def interval_of(span: Span) -> str:
    """Return what Grafana would take as the interval of rates: four scrapes, or more."""
    return f"{max(20, round(4 * span.step))}s"


def filled(expr: str, variables: Mapping[str, str], interval: str) -> str:
    """Return a query as Grafana sends it: variables and its own interval filled in."""
    for name, value in {**variables, "__rate_interval": interval}.items():
        expr = re.sub(rf"\$\{{?{name}\}}?(?!\w)", value, expr)
    if "$" in expr:
        raise ValueError(f"{expr}: a variable has no value")
    return expr


def queries_of(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return every query of a dashboard, with the title of what asks it."""
    panels = [
        (panel["title"], target["expr"])
        for panel in document["panels"]
        for target in panel.get("targets", [])
    ]
    return [*panels, *((each["name"], each["expr"]) for each in document["annotations"]["list"])]
