"""Probabilities in your own loop: python docs/examples/own_loop.py VIDEO|CAMERA [PICTURES]"""

import sys

import cv2

import emotion


def main(source: str, most: int) -> None:
    """Follow all people in OpenCV's capture, and print their probability of fear."""
    capture = cv2.VideoCapture(int(source) if source.isdigit() else source)
    with emotion.Recognizer() as reader, reader.follow() as follow:
        for _ in range(most):
            there, image = capture.read()
            if not there:
                break
            result = follow(image)
            for face in result.faces:
                if face.probabilities:
                    print(f"person {face.track_id}: fear {face.probabilities['fear']:.2f}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
