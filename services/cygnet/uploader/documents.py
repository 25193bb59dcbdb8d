"""Provenance documents on their way into the bucket: there before a manifest names them, for each run."""

import json

from cygnet.model.account import Commit
from cygnet.runtime.context import Context
from cygnet.storage.keys import provenance_key
from cygnet.transport.parameters import provenance_value


class Documents:
    """Knows which documents of the run that is on are in the bucket, so that a chunk seldom has to wait."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._run = ""
        self._stored: set[str] = set()

    async def store(self, commit: Commit) -> None:
        """Put what the chunk's rows name and is not known to be there. May be repeated."""
        if commit.run != self._run:
            self._run, self._stored = commit.run, set()
        for digest in commit.provenance:
            if digest not in self._stored:
                await self._put(commit.run, digest)

    async def _put(self, run: str, digest: str) -> None:
        context = self._context
        value = await context.values.get(provenance_value(digest))
        if value is None:
            context.log.error("provenance is gone", run=run, sha256=digest)
            return
        body = json.dumps(value.data, sort_keys=True, separators=(",", ":")).encode()
        key = provenance_key(context.pipeline.prefix, run, digest)
        await context.bucket.put(key, body, content_type="application/json")
        if run == self._run:  # two chunks are stored at once, perhaps of two runs
            self._stored.add(digest)
