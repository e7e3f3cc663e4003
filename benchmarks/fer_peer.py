"""For the Python of an environment that has `fer` and not this program: milliseconds a frame as JSON."""

import json
import sys
import time
from importlib.metadata import version

import cv2
import numpy as np


def main() -> None:
    """Detect the emotions of the first frames of a clip, as fer's README does."""
    try:
        from fer.fer import FER  # noqa: PLC0415  its place since version 25
    except ImportError:
        from fer import FER  # noqa: PLC0415
    detector = FER()
    video = cv2.VideoCapture(sys.argv[1])
    seconds, faces = [], 0
    for _ in range(int(sys.argv[2]) + 3):
        start = time.perf_counter()
        good, frame = video.read()
        if not good:
            break
        faces += len(detector.detect_emotions(frame))
        seconds.append(time.perf_counter() - start)
    steady = seconds[3:] or seconds
    label = f"version {version('fer')}, {faces} faces in {len(seconds)} frames"
    print(json.dumps({"ms": 1000 * float(np.mean(steady)), "version": label}))  # noqa: T201


if __name__ == "__main__":
    main()
