"""What a complete run gets in the bucket: compacted index, provenance documents, ledger."""

import json
import time

from cygnet.model.ledger import RunAccount, ledger, total
from cygnet.runtime.context import Context
from cygnet.storage import index, ledger_files
from cygnet.storage.keys import provenance_key
from cygnet.transport import runs


class Completion:
    """Finishes runs, one after another. Every step may be repeated."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def finish(self, account: RunAccount) -> None:
        """Write what a reader needs without NATS, then mark the run complete."""
        context, run, prefix = self._context, account.run, self._context.pipeline.prefix
        generation = await context.patiently(lambda: index.compact(context.bucket, prefix, run))
        used = await context.patiently(lambda: index.provenance_ids(context.bucket, prefix, run))
        for digest in sorted(used):
            await self._write_provenance(digest)
        await context.patiently(lambda: ledger_files.write(context.bucket, prefix, account))
        await context.patiently(
            lambda: runs.set_run_state(
                context.values, run, "complete", generation=generation, completed_ns=time.time_ns()
            )
        )
        line = total(ledger(account), run)
        context.log.info("run complete", run=run, ledger=line.equation(), generation=generation)

    async def _write_provenance(self, digest: str) -> None:
        context = self._context
        value = await context.patiently(lambda: context.values.get(f"provenance.{digest}"))
        if value is not None:
            body = json.dumps(value.data, sort_keys=True, separators=(",", ":")).encode()
            key = provenance_key(context.pipeline.prefix, "run", digest)
            await context.patiently(lambda: context.bucket.put(key, body, content_type="application/json"))


