"""The process that decodes one picture for the server, to isolate hostile files.

``python -m emotion.web.http.photo_decoder PIXELS`` reads the file from standard input and writes a line of
JSON: ``{"width": 640, "height": 480}``, after which width x height x 3 bytes of BGR follow, upright; or
``{"error": "one sentence"}``. It imports little, because it is started for each picture.
"""

import io
import json
import sys
import warnings

from PIL import Image

from emotion.models.data.flat import flat
from emotion.web.limits import limit

_FORMATS = ("GIF", "JPEG", "PNG", "WEBP")
# Of these formats several pictures are a video, as everywhere in the program; of WebP the first is read.
_MAY_MOVE = ("GIF", "PNG")
# Pillow has 4 bytes per pixel, and up to five copies while it rotates, blends and converts.
_BYTES_A_PIXEL = 24
_OWN_BYTES = 256 << 20
_CPU_SECONDS = 20


class _RefusedError(Exception):
    """The picture is refused; the message says why."""


def decode(data: bytes, pixels: int) -> tuple[int, int, bytes]:
    """A picture file as width, height and rows of BGR, upright.

    Args:
        data: JPEG, PNG, WebP or GIF.
        pixels: maximum number; checked before it is decoded.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            if picture.width * picture.height > pixels:
                raise _too_large(f"{picture.width}x{picture.height}")
            if picture.format in _MAY_MOVE and getattr(picture, "is_animated", False):
                raise _RefusedError("The picture moves: send it as a video.")
            upright = flat(picture)
    except Image.DecompressionBombError as error:
        raise _too_large("far too many") from error
    except MemoryError as error:
        raise _RefusedError("The picture needs more memory than one may take: scale it down.") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise _RefusedError(
            "This is not a JPEG, PNG, WebP or GIF picture that can be read: send one."
        ) from error
    return upright.width, upright.height, upright.tobytes("raw", "BGR")


def _too_large(size: str) -> _RefusedError:
    return _RefusedError(f"The picture has {size} pixels, more than this server takes: scale it down.")


def main(pixels: int) -> None:
    """The main function of the process."""
    limit(memory_bytes=_OWN_BYTES + _BYTES_A_PIXEL * pixels, cpu_seconds=_CPU_SECONDS)
    warnings.simplefilter("ignore")  # Pillow's warning about large pictures; the limit here is different
    data = sys.stdin.buffer.read()
    out = sys.stdout.buffer
    try:
        width, height, rows = decode(data, pixels)
    except _RefusedError as error:
        out.write(json.dumps({"error": str(error)}).encode() + b"\n")
    else:
        out.write(json.dumps({"width": width, "height": height}).encode() + b"\n" + rows)
    out.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
