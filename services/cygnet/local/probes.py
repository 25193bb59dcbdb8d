"""Asks services whether they are ready, what holds them, and whether they hang, by their health address."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp

from cygnet.local.plan import Slot

_SECONDS = 2.0
HEALTH_SECONDS, FAILURES_IN_A_ROW = 10.0, 3
"""As Kubernetes has them: a round of probes every ten seconds, and three failures in a row."""


class Probes:
    """One HTTP session to all services."""

    def __init__(self) -> None:
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http:
            await self._http.close()

    async def ask(self, addresses: Mapping[Slot, str]) -> dict[Slot, dict[str, str]]:
        """Return what each service that answers is not ready for, and why: nothing of one that is ready."""
        answers = await asyncio.gather(*(self._problems(address) for address in addresses.values()))
        return {
            slot: problems for slot, problems in zip(addresses, answers, strict=True) if problems is not None
        }

    async def hung(self, addresses: Mapping[Slot, str]) -> dict[Slot, str]:
        """Return what is wrong with each service, empty for one whose loops all move."""
        answers = await asyncio.gather(*(self._problems(each, "healthz") for each in addresses.values()))
        return {
            slot: "no answer" if stuck is None else "; ".join(f"{loop}: {why}" for loop, why in stuck.items())
            for slot, stuck in zip(addresses, answers, strict=True)
        }

    async def _problems(self, address: str, probe: str = "readyz") -> dict[str, str] | None:
        if self._http is None:
            return None
        try:
            async with self._http.get(f"http://{address}/{probe}") as answer:
                return dict((await answer.json())["problems"])
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError):
            return None  # it has just ended, or another program listens there now


class Liveness:
    """Which services hang: those that have failed a few probes in a row, as Kubernetes would say."""

    def __init__(self) -> None:
        self._failures: dict[Slot, int] = {}

    def look(self, answers: Mapping[Slot, str]) -> dict[Slot, str]:
        """Take the answers of one round; return who is to be started again, and why."""
        self._failures = {slot: self._failures.get(slot, 0) + 1 for slot, why in answers.items() if why}
        hung = {slot: answers[slot] for slot, times in self._failures.items() if times >= FAILURES_IN_A_ROW}
        for slot in hung:
            del self._failures[slot]
        return hung
