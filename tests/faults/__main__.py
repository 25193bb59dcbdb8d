"""`python -m tests.faults`: play the scenarios, print one table, and end non-zero if a promise was broken."""

import argparse
import asyncio
import signal
import sys
import time

from tests.faults.player import play_all
from tests.faults.scenarios import all_scenarios
from tests.faults.table import render


def main() -> int:
    """Return 0 if every ledger closes and every pixel is right, 1 if not, 2 for a wrong argument."""
    arguments = _arguments()
    scenarios = all_scenarios(arguments.seeds, arguments.seed_seconds)
    if arguments.list:
        print("\n".join(f"{each.name:36}{each.what}" for each in scenarios))
        return 0
    if arguments.only:
        scenarios = [each for each in scenarios if any(word in each.name for word in arguments.only)]
    if not scenarios:
        print(f"no scenario has a name with {' or '.join(arguments.only)}; see --list", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # who stops us stops the servers too
    began = time.monotonic()
    rows = asyncio.run(play_all(scenarios))
    print(render(rows))
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if any(row.why for row in rows) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="scenarios whose names hold one of these")
    parser.add_argument("--seeds", type=int, default=3, help="number of random walks (3)")
    parser.add_argument("--seed-seconds", type=float, default=60.0, help="seconds of each walk (60)")
    parser.add_argument("--list", action="store_true", help="list the scenarios and do nothing")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
