"""Guesses which accepted word somebody meant, for "did you mean"."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 80


def closest(word: str, accepted: Iterable[str]) -> str | None:
    """Return the accepted word that `word` comes nearest to, or None when none is near.

    Case, `_`, `-` and spaces do not count: `chunk_size` and `ChunkSize` both mean `chunkSize`.
    """
    if not word or len(word) > _LONGEST:
        return None
    plain = {_plain(candidate): candidate for candidate in accepted}
    found = get_close_matches(_plain(word), plain, n=1, cutoff=0.65)
    return plain[found[0]] if found else None


def same_letters(word: str, accepted: str) -> bool:
    """Return whether two words differ only in case, `_`, `-` and spaces."""
    return _plain(word) == _plain(accepted)


def _plain(word: str) -> str:
    return word.casefold().translate({ord(mark): None for mark in "_- "})
