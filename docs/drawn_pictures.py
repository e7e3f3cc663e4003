"""The pictures of README and the site that need no browser: ``python -m docs.drawn_pictures``.

A moving one, some seconds of the included clip from tears to laughter as `emotion annotate` draws them, and a
still one, an uncertain face beside a hidden one. `docs.pictures` makes these and all others.
"""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from emotion.realtime.sources.demo import DEMO

IMAGES = Path(__file__).parent / "images"
START, END = 4.2, 13.2
SIZE = (400, 225)
EVERY = 5
# Seconds of the clip at which the face is uncertain, and at which it shows tears.
UNCERTAIN, TEARS = 7.5, 2.0
STILL = (640, 360)


def moving(where: Path = IMAGES / "clip.webp", start: float = START, end: float = END) -> Path:
    """Write an animated WebP.

    Args:
        where: the file.
        start, end: the part of the clip, in seconds.
    """
    import emotion  # noqa: PLC0415  what draws is loaded when it runs

    pictures, times = [], []
    with emotion.stream(DEMO, start=start, end=end) as results:
        for number, result in enumerate(results):
            if number % EVERY == 0:
                small = cv2.resize(result.draw(), SIZE, interpolation=cv2.INTER_AREA)
                pictures.append(Image.fromarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB)))
                times.append(result.seconds)
    lengths = [round(1000 * (after - before)) for before, after in pairwise(times)]
    first, *others = pictures
    first.save(
        where,
        save_all=True,
        append_images=others,
        duration=[*lengths, lengths[-1] if lengths else 100],
        loop=0,
        quality=45,
        method=4,
    )
    return where


def still(where: Path = IMAGES / "live.jpg") -> Path:
    """Write an uncertain face, and beside it a hidden one."""
    import emotion  # noqa: PLC0415

    halves = []
    for at, privacy in ((UNCERTAIN, "none"), (TEARS, "blur")):
        with emotion.stream(DEMO, start=max(0.0, at - 1), end=at + 1, privacy=privacy) as results:
            drawn = [(abs(result.seconds - at), result.draw()) for result in results]
        nearest = min(drawn, key=lambda one: one[0])[1]
        halves.append(cv2.resize(nearest, STILL, interpolation=cv2.INTER_AREA))
    cv2.imwrite(str(where), np.hstack(halves), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return where


def main() -> None:
    """Write both."""
    for made in (moving(), still()):
        print(made, made.stat().st_size)


if __name__ == "__main__":
    main()
