"""A web server that does whatever a host should not: refuses, redirects, hangs, lies, never ends."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

_PIECE = bytes(64 << 10)
_S3_ERROR = b'<?xml version="1.0"?>\n<Error><Code>NoSuchKey</Code><Message>none</Message></Error>'
_HTML = b"<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1></body></html>"
_BODIES = {"empty": b"", "xml": _S3_ERROR, "html": _HTML}
_STATUSES = {"403": 403, "404": 404, "500": 500, "503": 503}


@dataclass(slots=True)
class BadHost:
    """`origin` is where it listens; `images` are served under `/image/N`."""

    images: Sequence[bytes]
    origin: str
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Do as the first part of the path says."""
        kind, _, number = request.path.strip("/").partition("/")
        match kind:
            case "image":
                return web.Response(body=self.images[int(number)], content_type="image/png")
            case "redirect":
                return web.Response(status=302, headers={"Location": f"{self.origin}/image/0"})
            case "hangs":
                await self.over.wait()
                return web.Response(status=503)
            case "endless":
                return await self._endless(request)
            case "lies":
                return await self._lies(request)
        if kind in _STATUSES:
            return web.Response(status=_STATUSES[kind])
        return web.Response(body=_BODIES.get(kind, b""))

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while not self.over.is_set():
            await answer.write(_PIECE)
        return answer

    async def _lies(self, request: web.Request) -> web.StreamResponse:
        """Promise more than is sent."""
        answer = web.StreamResponse(headers={"Content-Length": "5000"})
        await answer.prepare(request)
        await answer.write(bytes(100))
        if request.transport is not None:
            request.transport.abort()
        return answer


@asynccontextmanager
async def open_bad_host(images: Sequence[bytes], port: int) -> AsyncIterator[BadHost]:
    """Serve on a port of this machine for the length of the block."""
    host = BadHost(images, f"http://127.0.0.1:{port}")
    app = web.Application()
    app.router.add_get("/{path:.*}", host.answer)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        yield host
    finally:
        host.over.set()
        await runner.cleanup()
