"""The simulated detector beside a plain one, in turns, in one run: events per second of CPU on one core.

    python -m benchmarks.simulator [--events 500] [--lime-events 30] [--turns 3]

The plain one is what a notebook does: `numpy.random.Generator.standard_normal` for the noise, a Gaussian spot
for the light, Pillow for the file; its physics is a fraction of ours. An event is truth, image and encoded
bytes, and its cost is CPU time, so that other work on the machine counts little.
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

LIME = 2304


def plain(side: int, event: int) -> np.ndarray:
    """Return one image of the baseline."""
    random = np.random.default_rng(event)
    image = 100 + 0.86 * random.standard_normal(side) + 5.3 * random.standard_normal((side, side))
    y, x = np.mgrid[:side, :side] - side / 2
    image += random.poisson(40 * np.exp(-(x * x + y * y) / (2 * 4.4**2)))
    return np.clip(image, 0, 255).astype(np.uint16 if side == LIME else np.uint8)


def ours(detector: Detector, event: int) -> np.ndarray:
    """Return one image of the simulated detector."""
    return detector.image(event, detector.primary(event))


def pillow(kind: str, image: np.ndarray) -> bytes:
    """Encode an image with Pillow's own defaults, JPEG with the school's quality."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, quality=80)
    return file.getvalue()


def cpu_ms(make: Callable[[int], np.ndarray], encode: Callable[[np.ndarray], bytes], events: int) -> float:
    """Return the CPU time of an event in ms."""
    before = time.process_time()
    for event in range(events):
        encode(make(event))
    return 1000 * (time.process_time() - before) / events


def report(name: str, theirs: list[float], own: list[float]) -> None:
    """Print medians of both, and the median of the ratios turn by turn."""
    ratio = statistics.median(other / mine for other, mine in zip(theirs, own, strict=True))
    cost = statistics.median(own)
    spread = f"{min(own):.2f}-{max(own):.2f}"
    plain_cost = statistics.median(theirs)
    print(f"{name:24}{1000 / cost:>10.0f}{cost:>14.2f}{spread:>16}{plain_cost:>18.1f}{ratio:>9.1f}x")


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
    sosc, lime = Detector("sosc", noise_level=0.02), Detector("lime")
    cases: list[tuple[str, Detector, int, Callable[[np.ndarray], bytes], Callable[[np.ndarray], bytes]]] = [
        ("sosc, image alone", sosc, wish.events, np.ndarray.tobytes, np.ndarray.tobytes),
        ("sosc, JPEG of quality 80", sosc, wish.events, partial(pillow, "jpeg"), encode_jpeg),
        ("sosc, PNG", sosc, wish.events, partial(pillow, "png"), encode_png),
        ("lime, image alone", lime, wish.lime_events, np.ndarray.tobytes, np.ndarray.tobytes),
        ("lime, PNG", lime, wish.lime_events, partial(pillow, "png"), encode_png),
    ]
    print(f"{'':24}{'events/s':>10}{'CPU ms/event':>14}{'min-max':>16}{'numpy and Pillow':>18}{'ratio':>10}")
    for name, detector, events, their_encoder, our_encoder in cases:
        theirs, own = [], []
        few = max(1, events // 10)
        for _ in range(wish.turns):
            theirs.append(cpu_ms(partial(plain, detector.preset.shape[0]), their_encoder, few))
            own.append(cpu_ms(partial(ours, detector), our_encoder, events))
        report(name, theirs, own)


if __name__ == "__main__":
    main()
