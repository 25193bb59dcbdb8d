"""Connecting, losing the connection, and what a person is told when it fails."""

import asyncio

import pytest
from nats import errors as nats_errors

from cygnet.transport.client import Client
from cygnet.transport.connection import _telling, close, connect, inline_limit, without_password
from cygnet.transport.errors import NatsRefusedError, NatsUnreachableError
from fixtures.nats_server import NatsServer, free_port, nats_server
from fixtures.waiting import until

LOCKED = {"authorization": {"users": [{"user": "cygnet", "password": "right"}]}}


async def test_no_server_is_said_at_once_with_the_address() -> None:
    address = f"nats://u:secret@127.0.0.1:{free_port()}"
    with pytest.raises(NatsUnreachableError, match=r"127\.0\.0\.1.*Start a server") as caught:
        await connect(address, name="test")
    assert "secret" not in str(caught.value)


async def test_wrong_password_is_said_at_once_without_showing_it() -> None:
    with nats_server(LOCKED) as server:
        with pytest.raises(NatsRefusedError, match="Check user and password") as caught:
            await connect(server.url, name="test", user="cygnet", password="wrong")
        assert "wrong" not in str(caught.value)
        with pytest.raises(NatsRefusedError):
            await connect(server.url.replace("//", "//cygnet:wrong@"), name="test")
        nc = await connect(server.url.replace("//", "//cygnet:right@"), name="test")
        assert await nc.rtt() > 0
        await close(nc)


@pytest.mark.parametrize("locked_is", [0, 1])
async def test_of_several_servers_the_one_that_refuses_is_said_whichever_failed_last(
    monkeypatch, locked_is
) -> None:
    monkeypatch.setattr("nats.aio.client.shuffle", lambda servers: None)
    with nats_server(LOCKED) as server:
        addresses = [f"nats://127.0.0.1:{free_port()}"]
        addresses.insert(locked_is, server.url)
        with pytest.raises(NatsRefusedError, match="Check user and password"):
            await connect(",".join(addresses), name="test", user="cygnet", password="wrong")


def test_of_several_failures_a_cut_line_is_tried_again_before_no_server_is_said() -> None:
    gone, cut = ConnectionRefusedError("no server"), ConnectionResetError("cut")
    refusal = nats_errors.Error("nats: 'Authorization Violation'")
    assert _telling([cut, gone]) is cut
    assert _telling([cut, refusal, gone]) is refusal
    assert _telling([gone]) is gone
    assert _telling([]) is None


async def test_a_patient_client_waits_for_a_server_that_comes_later(tmp_path) -> None:
    server = NatsServer(tmp_path)
    events: list[str] = []
    waiting = asyncio.create_task(
        connect(server.url, name="test", patient=True, on_event=lambda event, _: events.append(event))
    )
    await until(lambda: "waiting" in events)
    try:
        await asyncio.to_thread(server.start)
        nc = await asyncio.wait_for(waiting, 10)
        assert await nc.rtt() > 0
        await close(nc)
    finally:
        server.stop()


async def test_a_killed_server_is_found_again_and_said(own_server: NatsServer) -> None:
    events: list[str] = []
    nc = await connect(own_server.url, name="test", on_event=lambda event, _: events.append(event))
    heard: list[bytes] = []
    nc.subscribe_raw("hello", lambda subject, reply, header, payload: heard.append(payload))
    own_server.kill()
    await until(lambda: "disconnected" in events)
    assert not nc.is_up
    own_server.start()
    await until(lambda: nc.is_up)
    nc.send_message(b"hello", b"again")
    await until(lambda: heard == [b"again"])
    assert events[-1] == "reconnected"
    await close(nc)


async def test_a_late_pong_does_not_end_the_read_loop(own_server: NatsServer, own_nc: Client) -> None:
    own_server.pause()
    with pytest.raises(nats_errors.TimeoutError):
        await own_nc.rtt(timeout=0.1)  # type: ignore[arg-type]
    own_server.resume()
    assert await own_nc.rtt() > 0
    assert await own_nc.rtt() > 0


async def test_an_error_of_the_server_reconnects_instead_of_closing_for_ever(own_nc: Client) -> None:
    events = []
    own_nc.listen(on_up=lambda: events.append("up"))
    own_nc.send(b"NONSENSE\r\n")
    await until(lambda: events == ["up"])
    assert await own_nc.rtt() > 0


async def test_an_exception_in_a_handler_reconnects_instead_of_going_deaf(own_nc: Client) -> None:
    heard: list[bytes] = []

    def handler(subject: bytes, reply: bytes, header: bytes, payload: bytes) -> None:
        heard.append(payload)
        if payload == b"bad":
            raise ValueError(payload)

    own_nc.subscribe_raw("hello", handler)
    ups: list[int] = []
    own_nc.listen(on_up=lambda: ups.append(1))
    own_nc.send_message(b"hello", b"bad")
    await until(lambda: bool(ups))
    own_nc.send_message(b"hello", b"good")
    await until(lambda: b"good" in heard)


async def test_inline_limit_leaves_room_for_headers(nc: Client) -> None:
    assert inline_limit(nc) == (8 << 20) - (64 << 10)


def test_passwords_are_never_shown() -> None:
    assert without_password("nats://a:b@h:4222,nats://token@i:1") == "nats://h:4222,nats://i:1"
