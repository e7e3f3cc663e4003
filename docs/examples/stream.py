"""The expressions in a video or from a camera: python docs/examples/stream.py [SOURCE] [PICTURE]

Prints a line whenever a person's label changes, and saves the annotated picture with the largest
probability.
"""

import sys
from importlib.resources import files

import cv2

import emotion


def main(source: str, picture: str) -> None:
    """Follow all people in the source."""
    last: dict[int, str] = {}
    best = 0.0
    with emotion.stream(source, max_faces=4) as results:
        for result in results:
            for face in result.faces:
                if last.get(face.track_id) != face.label:
                    last[face.track_id] = face.label
                    print(f"{result.seconds:7.2f} s  person {face.track_id}: {face.label}")
            drawn = result.draw()
            confidence = max((face.confidence or 0.0 for face in result.faces), default=0.0)
            if confidence > best:
                best = confidence
                cv2.imwrite(picture, drawn)
    print(f"There is no face in {source}." if not last else f"The clearest moment is in {picture}.")


if __name__ == "__main__":
    demo = str(files("emotion.realtime.sources") / "demo.mp4")
    given = sys.argv[1:]
    main(*given, *[demo, "clearest.png"][len(given) :])
