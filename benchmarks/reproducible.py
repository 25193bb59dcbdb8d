"""Events made twice, in one process and in several, in another order, are the same bytes; or exit 1.

python -m benchmarks.reproducible [--events 10000] [--processes 4] [--preset sosc]
"""

import argparse
import hashlib
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from cygnet.simulator.cygno import PRESETS, Detector


def digests(preset: str, seed: int, events: list[int]) -> dict[int, str]:
    """Return a digest of each event's truth and image."""
    detector = Detector(preset, seed=seed, noise_level=0.02)
    found = {}
    for event in events:
        primary = detector.primary(event)
        digest = hashlib.sha256(repr(primary).encode())
        digest.update(detector.image(event, primary))
        found[event] = digest.hexdigest()
    return found


def in_processes(preset: str, seed: int, events: int, processes: int) -> dict[int, str]:
    """Return the same from new processes, each of which makes every n-th event, last one first."""
    found: dict[int, str] = {}
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        shares = [list(range(start, events, processes))[::-1] for start in range(processes)]
        for part in pool.map(digests, [preset] * processes, [seed] * processes, shares):
            found.update(part)
    return found


def main() -> None:
    """Compare, and print how many differ."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--preset", choices=PRESETS, default="sosc")
    parser.add_argument("--seed", type=int, default=0)
    wish = parser.parse_args()
    started = time.monotonic()
    one = digests(wish.preset, wish.seed, list(range(wish.events)))
    many = in_processes(wish.preset, wish.seed, wish.events, wish.processes)
    differ = sum(one[event] != many[event] for event in one)
    print(
        f"{wish.preset}: {len(one)} events in one process, again in {wish.processes}: {differ} differ"
        f" ({time.monotonic() - started:.0f} s)"
    )
    raise SystemExit(1 if differ or len(one) != len(many) else 0)


if __name__ == "__main__":
    main()
