"""Every name on NATS in one place: streams, subjects, consumers and the key-value bucket."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one pipeline's streams and subjects; `namespace` is `local` on one machine."""

    namespace: str
    pipeline: str

    @property
    def _stem(self) -> str:
        return f"CYG_{self.namespace}_{self.pipeline}"

    @property
    def _root(self) -> str:
        return f"cygnet.{self.namespace}.{self.pipeline}"

    @property
    def all_subjects(self) -> str:
        """Every subject of the pipeline's streams; of the key-value bucket none."""
        return f"{self._root}.>"

    @property
    def frames(self) -> str:
        """Work queue of announcements and inline frames."""
        return f"{self._stem}_FRAMES"

    @property
    def results(self) -> str:
        """Work queue of results."""
        return f"{self._stem}_RESULTS"

    @property
    def chunks(self) -> str:
        """Slices of finished objects."""
        return f"{self._stem}_CHUNKS"

    @property
    def notices(self) -> str:
        """Work queue of committed chunks to upload."""
        return f"{self._stem}_NOTICES"

    @property
    def account(self) -> str:
        """The append-only record of every run."""
        return f"{self._stem}_ACCOUNT"

    @property
    def dead(self) -> str:
        """Dead letters."""
        return f"{self._stem}_DEAD"

    def streams(self) -> dict[str, str]:
        """Return the streams by the short names that people and metrics use."""
        names = ("frames", "results", "chunks", "notices", "account", "dead")
        return {name: getattr(self, name) for name in names}

    @property
    def bucket(self) -> str:
        """The key-value bucket of current values."""
        return f"cyg_{self.namespace}_{self.pipeline}"

    def frame_subject(self, detector: str) -> str:
        """Where a detector's frames are published."""
        return f"{self._root}.frames.{detector}"

    def result_subject(self, detector: str) -> str:
        """Where a detector's results are published."""
        return f"{self._root}.results.{detector}"

    def chunk_subject(self, run: str, detector: str, chunk: str, attempt: str) -> str:
        """Where the slices of one attempt at one chunk are published; `*` matches any."""
        return f"{self._root}.chunks.{run}.{detector}.{chunk}.{attempt}"

    def notice_subject(self, detector: str) -> str:
        """Where committed chunks of a detector are announced to uploaders."""
        return f"{self._root}.notices.{detector}"

    def account_subject(self, run: str, detector: str, kind: str) -> str:
        """Where one kind of a run's records is appended; `*` matches any."""
        return f"{self._root}.account.{run}.{detector}.{kind}"

    def dead_subject(self, run: str, detector: str) -> str:
        """Where a detector's dead letters are kept."""
        return f"{self._root}.dead.{run}.{detector}"

    def stats_subject(self, pod: str) -> str:
        """Where a worker publishes, by core NATS, how many frames and messages it handled."""
        return f"{self._root}.stats.{pod}"

    @property
    def live(self) -> str:
        """Root of the subjects that republished copies go to."""
        return f"{self._root}.live"


def intake_stream(subject: str, nats_account: str = "") -> str:
    """Name of the stream that takes a foreign literal subject, shared by every pipeline that listens."""
    digest = hashlib.sha256(f"{nats_account}\n{subject}".encode()).hexdigest()
    return f"CYG_INTAKE_{digest[:16]}"
