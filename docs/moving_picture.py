"""The moving picture of README and the site, made anew: ``python -m docs.moving_picture``.

Some seconds of the bundled clip, from tears to laughter, as `emotion annotate` draws them, small enough to be
seen at once. Run it whenever models or overlay change.
"""

from itertools import pairwise
from pathlib import Path

import cv2
from PIL import Image

from emotion.realtime.sources.demo import DEMO

WHERE = Path(__file__).parent / "images" / "clip.webp"
START, END = 4.2, 13.2
SIZE = (400, 225)
EVERY = 5


def main(where: Path = WHERE, start: float = START, end: float = END) -> Path:
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


if __name__ == "__main__":
    made = main()
    print(made, made.stat().st_size)
