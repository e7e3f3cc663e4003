"""For the Python of an environment that has `fer` and not this program: its predictions for pictures.

Reads a line of JSON for each picture, ``{"picture": PATH, "framed": PATH}``; the second has a border.
Prints one for each: by way of detection, the scores of the largest face; null where no face was detected. The
first line that it prints names the version.
"""

import json
import sys
from importlib.metadata import version
from typing import Any

import cv2
import numpy as np


def main() -> None:
    """Predict until the input ends."""
    try:
        from fer.fer import FER  # noqa: PLC0415  its place since version 25
    except ImportError:
        from fer import FER  # noqa: PLC0415
    haar, mtcnn = FER(), FER(mtcnn=True)
    # Its margin of ten pixels is for boxes of its detectors.
    whole = FER(offsets=(0, 0))
    print(json.dumps({"version": version("fer")}), flush=True)  # noqa: T201
    for line in sys.stdin:
        inputs = json.loads(line)
        picture, framed = (np.asarray(cv2.imread(inputs[name])) for name in ("picture", "framed"))
        height, width = picture.shape[:2]
        predictions = {}
        for way, detector in (("Haar", haar), ("MTCNN", mtcnn)):
            found = detector.detect_emotions(picture)
            predictions[way] = largest(found)
            predictions[f"{way}, border"] = largest(found or detector.detect_emotions(framed))
        predictions["whole picture"] = largest(whole.detect_emotions(picture, [(0, 0, width, height)]))
        print(json.dumps(predictions), flush=True)  # noqa: T201


def largest(faces: list[dict[str, Any]]) -> dict[str, float] | None:
    """The scores of the largest face, by its words for them."""
    if not faces:
        return None
    face = max(faces, key=lambda one: int(one["box"][2]) * int(one["box"][3]))
    return {word: float(score) for word, score in face["emotions"].items()}


if __name__ == "__main__":
    main()
