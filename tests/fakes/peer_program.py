"""Another program that predicts pictures, for studies: it says how bright the middle of each is.

Speaks as `fer_predictions` does. The argument is the number of pictures after which it ends with an error.
"""

import json
import sys
from pathlib import Path


def brightness(path):
    """The red of the middle pixel of a PPM file."""
    header, size, _, pixels = Path(path).read_bytes().split(b"\n", 3)
    assert header == b"P6"
    width, height = map(int, size.split())
    return pixels[3 * (height // 2 * width + width // 2)]


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main():
    say("a library's greeting")
    say(json.dumps({"version": "1.5"}))
    for inputs, line in enumerate(sys.stdin):
        if inputs == int(sys.argv[1]):
            sys.exit("out of predictions")
        files = json.loads(line)
        scores = {"happy": brightness(files["picture"]) / 255, "neutral": 0.5, "disgust": 0.6}
        framed = Path(files["framed"]).stat().st_size > Path(files["picture"]).stat().st_size
        say(json.dumps({"usual": scores, "border": scores if framed else None}))


if __name__ == "__main__":
    main()
