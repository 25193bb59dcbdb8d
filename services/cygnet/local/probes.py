"""Asks services whether they are ready, over their own health address."""

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

    async def ready(self, addresses: Mapping[Slot, str]) -> set[Slot]:
        """Return the slots whose service answers that it is ready."""
        answers = await asyncio.gather(*(self._is_ready(address) for address in addresses.values()))
        return {slot for slot, is_ready in zip(addresses, answers, strict=True) if is_ready}

    async def _is_ready(self, address: str) -> bool:
        if self._http is None:
            return False
        try:
            async with self._http.get(f"http://{address}/readyz") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False
