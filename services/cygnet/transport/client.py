"""nats-py's client with the data path made short and its ways to die for good taken out.

Raw subscriptions hand bytes to a plain function, without a queue or a task between; raw sending appends to
the client's buffer without a copy. And where nats-py ends its read loop or closes the connection for ever
(a late PONG, an unexpected exception, an `-ERR` of the server), this client reconnects.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import nats.aio.client
from nats import errors
from nats.aio.msg import Msg
from nats.aio.msg import Msg as Message
from nats.aio.subscription import Subscription
from nats.aio.transport import TcpTransport

from cygnet.transport.wire import Parser, RawHandler

__all__ = ["Client", "Message"]

READ_BYTES = 1 << 20
Listener = Callable[[], None]


class _WideTransport(TcpTransport):
    """Reads what has arrived, up to 1 MiB at a time, instead of 32 KiB."""

    async def connect(self, uri: Any, buffer_size: int, connect_timeout: int) -> None:
        await super().connect(uri, max(buffer_size, READ_BYTES), connect_timeout)

    async def read(self, buffer_size: int) -> bytes:
        data: bytes = await super().read(max(buffer_size, READ_BYTES))
        return data


class Client(nats.aio.client.Client):
    """A nats-py client; `connect` in `connection.py` makes it ready."""

    def __init__(self) -> None:
        super().__init__()
        self.raw_handlers: dict[int, RawHandler] = {}
        self.is_up = False
        self._ps = Parser(self, json.loads)  # type: ignore[assignment]
        self._up_listeners: list[Listener] = []
        self._closed_listeners: list[Listener] = []

    def listen(self, *, on_up: Listener | None = None, on_closed: Listener | None = None) -> None:
        """Call `on_up` after each reconnection, `on_closed` once when the connection is closed for good."""
        if on_up:
            self._up_listeners.append(on_up)
        if on_closed:
            self._closed_listeners.append(on_closed)

    def forget(self, listener: Listener) -> None:
        """Take a listener back."""
        for listeners in (self._up_listeners, self._closed_listeners):
            if listener in listeners:
                listeners.remove(listener)

    def mark_up(self) -> None:
        """The connection stands and all subscriptions are replayed."""
        self.is_up = True
        for listener in list(self._up_listeners):
            listener()

    def mark_down(self) -> None:
        """The connection is lost; nats-py is making a new one."""
        self.is_up = False

    def mark_closed(self) -> None:
        """The connection is closed for good."""
        self.is_up = False
        for listener in list(self._closed_listeners):
            listener()

    def subscribe_raw(self, subject: str, handler: RawHandler) -> int:
        """Subscribe with a plain function; return the subscription's id. Replayed at reconnection."""
        if self.is_closed:
            raise errors.ConnectionClosedError
        self._sid += 1
        self._subs[self._sid] = Subscription(
            self, self._sid, subject, future=asyncio.get_running_loop().create_future()
        )
        self.raw_handlers[self._sid] = handler
        self.send(f"SUB {subject}  {self._sid}\r\n".encode())
        return self._sid

    async def unsubscribe_raw(self, sid: int, *, settle_seconds: float = 2.0) -> None:
        """Unsubscribe; what the server had sent before it heard of it still reaches the handler."""
        if self.is_up and not self.is_closed:
            with contextlib.suppress(errors.Error, OSError, asyncio.TimeoutError):
                self.send(f"UNSUB {sid} \r\n".encode())
                await self.rtt(timeout=settle_seconds)  # type: ignore[arg-type]
        self.raw_handlers.pop(sid, None)
        self._remove_sub(sid)

    def send(self, *parts: bytes | memoryview) -> None:
        """Queue protocol bytes for the socket, in order, uncopied; sent in this turn of the loop."""
        self._pending.extend(parts)  # type: ignore[arg-type]
        self._pending_data_size += sum(map(len, parts))
        queue = self._flush_queue
        if queue is not None and queue.empty() and self.is_connected:
            queue.put_nowait(asyncio.get_running_loop().create_future())

    def send_message(self, subject: bytes, payload: bytes, reply: bytes = b"") -> None:
        """Queue one message without headers."""
        self.send(b"PUB %b %b %d\r\n%b\r\n" % (subject, reply, len(payload), payload))

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        timeout: float = 0.5,
        old_style: bool = False,
        headers: dict[str, Any] | None = None,
    ) -> Msg:
        """Ask and wait for the answer. A cancellation that comes together with the answer is not lost.

        nats-py waits by `asyncio.wait_for`, which drops such a one up to Python 3.11: the task goes on for
        ever, and so does whoever waits for its end.
        """
        asking = asyncio.ensure_future(super().request(subject, payload, timeout, old_style, headers))
        try:
            await asyncio.wait({asking})
        finally:
            asking.cancel()
        return asking.result()

    async def _connect_to_server(self, s: Any) -> None:
        if not self._transport and s.uri.scheme not in ("ws", "wss"):
            self._transport = _WideTransport()  # type: ignore[no-untyped-call]
        await super()._connect_to_server(s)

    async def _process_op_err(self, e: Exception) -> None:
        self.mark_down()
        await super()._process_op_err(e)

    async def _process_err(self, err_msg: str) -> None:
        if "permissions violation" in err_msg:
            await super()._process_err(err_msg)
            return
        failure = errors.Error(f"nats: {err_msg}")
        await self._error_cb(failure)
        await self._process_op_err(failure)

    async def _process_pong(self) -> None:
        if self._pongs:
            waiting = self._pongs.pop(0)
            if not waiting.done():
                waiting.set_result(True)
            self._pongs_received += 1
            self._pings_outstanding = 0

    async def _read_loop(self) -> None:
        transport = self._transport
        while transport is not None and not (self.is_closed or self.is_reconnecting):
            try:
                if transport.at_eof():
                    raise errors.UnexpectedEOF
                await self._ps.parse(await transport.read(READ_BYTES))
            except asyncio.CancelledError:
                break
            except Exception as error:
                await self._error_cb(error)
                await self._process_op_err(error)
                break
