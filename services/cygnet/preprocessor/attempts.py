"""How often a frame was tried alone: written down before each try, so that a killed worker has said so."""

from cygnet.model.identity import FrameId
from cygnet.runtime.context import Context
from cygnet.transport.values import ConflictError, Values


class Attempts:
    """Counts attempts in the key-value bucket; a frame without identity has none, it never gets that far."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._values: Values = context.values

    async def count(self, identity: FrameId | None) -> int:
        """Return how many attempts began and did not come to an end."""
        if identity is None:
            return 0
        value = await self._context.patiently(lambda: self._values.get(_key(identity)))
        return int(value.data["attempts"]) if value else 0

    async def note(self, identity: FrameId | None) -> None:
        """Write down that an attempt begins."""
        if identity is not None:
            await self._context.patiently(lambda: self._note(_key(identity)))

    async def forget(self, identity: FrameId | None) -> None:
        """The attempt came to an end, whatever became of the frame."""
        if identity is not None:
            await self._context.patiently(lambda: self._values.delete(_key(identity)))

    async def _note(self, key: str) -> None:
        while True:
            value = await self._values.get(key)
            try:
                if value is None:
                    await self._values.create(key, {"attempts": 1})
                else:
                    attempts = int(value.data["attempts"]) + 1
                    await self._values.update(key, {"attempts": attempts}, value.revision)
            except ConflictError:
                continue
            return


def _key(identity: FrameId) -> str:
    return f"attempt.{identity.run}.{identity.detector}.{identity.event}"
