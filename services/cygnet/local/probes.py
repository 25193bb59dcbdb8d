"""Asks services whether they are ready, and what holds them, over their own health address."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp

from cygnet.local.plan import Slot

_SECONDS = 2.0


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

    async def _problems(self, address: str) -> dict[str, str] | None:
        if self._http is None:
            return None
        try:
            async with self._http.get(f"http://{address}/readyz") as answer:
                return dict((await answer.json())["problems"])
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError):
            return None  # it has just ended, or another program listens there now
