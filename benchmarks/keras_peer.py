"""A process of its own: Keras `predict`, a crop at a time. Prints milliseconds a face as JSON.

The networks are untrained: that changes their outputs, not their speed.
"""

import json
import sys
import time

import numpy as np

from emotion.models.regions import REGIONS
from emotion.models.training import networks


def main() -> None:
    """Time each region's network on crops from an npz file."""
    total = 0.0
    with np.load(sys.argv[1]) as crops:
        for view in ("eyes", "lips"):
            images = crops[view]
            model = networks.for_inference(networks.build(view), REGIONS[view].size)
            for _ in range(3):  # the first calls trace the graph
                model.predict(images[:1, ..., None], verbose=0)
            seconds = []
            for image in images[:40]:
                start = time.perf_counter()
                model.predict(image[None, ..., None], verbose=0)
                seconds.append(time.perf_counter() - start)
            total += 1000 * float(np.median(seconds))
    print(json.dumps({"ms": total}))  # noqa: T201


if __name__ == "__main__":
    main()
