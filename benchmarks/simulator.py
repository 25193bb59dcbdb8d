"""The simulated detector beside a plain one, in turns, in one run: events per second of CPU on one core.

    python -m benchmarks.simulator [--events 500] [--lime-events 30] [--turns 3]

The baseline is what a notebook does: `numpy.random.Generator.standard_normal` for the noise, a Gaussian spot
or line for the light, a PNG by Pillow; its physics is a fraction of ours. An event is truth, image and
encoded bytes; the rate is that of one core's CPU time, so that other work on the machine does not count.
"""

import argparse
import io
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image

from cygnet.imaging import encode_jpeg, encode_png
from cygnet.simulator.cygno import Detector, warm_up

PIXELS = {576: np.uint8, 2304: np.uint16}


def plain(side: int, event: int) -> bytes:
    """Return one frame of the baseline as a PNG by Pillow."""
    random = np.random.default_rng(event)
    image = 100 + 0.86 * random.standard_normal(side) + 5.3 * random.standard_normal((side, side))
    y, x = np.mgrid[:side, :side] - side / 2
    image += random.poisson(40 * np.exp(-(x * x + y * y) / (2 * 4.4**2)))
    file = io.BytesIO()
    Image.fromarray(np.clip(image, 0, 65535).astype(PIXELS[side])).save(file, "png")
    return file.getvalue()


def ours(detector: Detector, encode: Callable[[np.ndarray], bytes], event: int) -> bytes:
    """Return one encoded frame of the simulated detector."""
    return encode(detector.image(event, detector.primary(event)))


def cpu_ms(make: Callable[[int], bytes], events: int) -> float:
    """Return the CPU time of an event in ms."""
    before = time.process_time()
    for event in range(events):
        make(event)
    return 1000 * (time.process_time() - before) / events


def main() -> None:
    """Run the turns and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=500, help="events of 576x576 in a turn")
    parser.add_argument("--lime-events", type=int, default=30, help="events of 2304x2304 in a turn")
    parser.add_argument("--turns", type=int, default=3)
    wish = parser.parse_args()
    warm_up()
    sosc = Detector("sosc", noise_level=0.02)
    lime = Detector("lime")
    few = max(1, wish.events // 10)
    cases: dict[str, tuple[Callable[[int], bytes], int]] = {
        "576x576   numpy and Pillow, PNG": (partial(plain, 576), few),
        "576x576   Cygnet, JPEG": (partial(ours, sosc, encode_jpeg), wish.events),
        "576x576   Cygnet, PNG": (partial(ours, sosc, encode_png), wish.events),
        "576x576   Cygnet, image alone": (partial(ours, sosc, np.ndarray.tobytes), wish.events),
        "2304x2304 numpy and Pillow, PNG": (partial(plain, 2304), max(1, wish.lime_events // 10)),
        "2304x2304 Cygnet, PNG": (partial(ours, lime, encode_png), wish.lime_events),
        "2304x2304 Cygnet, image alone": (partial(ours, lime, np.ndarray.tobytes), wish.lime_events),
    }
    turns: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(wish.turns):
        for name, (make, events) in cases.items():
            turns[name].append(cpu_ms(make, events))
    print(f"{'':34}{'CPU ms/event':>14}{'min-max':>14}{'events/s a core':>17}{'baseline':>11}")
    for name, costs in turns.items():
        baseline = turns[f"{name.split()[0]:10}numpy and Pillow, PNG"]
        ratio = statistics.median(other / own for own, other in zip(costs, baseline, strict=True))
        cost = statistics.median(costs)
        spread = f"{min(costs):.2f}-{max(costs):.2f}"
        print(f"{name:34}{cost:>14.2f}{spread:>14}{1000 / cost:>17.0f}{ratio:>10.1f}x")


if __name__ == "__main__":
    main()
