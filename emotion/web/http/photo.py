"""Analysing a single picture, and results as plain values."""

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from emotion.models.errors import EmotionError
from emotion.models.regions import Image
from emotion.realtime.child_process import environment, python_command
from emotion.realtime.messages import EmotionFrame, FaceEmotion, Probabilities, VideoFrame
from emotion.realtime.session import Inline, Models, Session

DECODER = python_command("-m", "emotion.web.http.picture")
_DECODE_SECONDS = 30.0


class PhotoError(EmotionError, ValueError):
    """What was sent is no picture that can be analysed."""

    exit_code = 3


async def decode(data: bytes, pixels: int, command: Sequence[str] = DECODER) -> Image:
    """A picture file as uint8 (h, w, 3) BGR, upright, decoded in a process of its own.

    Args:
        data: JPEG, PNG or WebP.
        pixels: the most that it may have.
        command: what is started, as `emotion.web.http.picture`; the pixels follow as its last argument.

    Raises:
        PhotoError: it is none of these, damaged, too large, or too much for its decoder.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        str(pixels),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment(),
    )
    try:
        async with asyncio.timeout(_DECODE_SECONDS):
            return await _decoded(process, data, pixels)
    except TimeoutError as error:
        raise PhotoError("The picture takes too long to decode: scale it down.") from error
    except (EOFError, OSError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, PhotoError):
            raise
        raise PhotoError("The picture's decoder ended unexpectedly: save the picture anew.") from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        # Its end is only noticed once what it wrote is read.
        await process.communicate()


async def _decoded(process: asyncio.subprocess.Process, data: bytes, pixels: int) -> Image:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(data)
    await process.stdin.drain()
    process.stdin.close()
    # Nothing that comes back is believed: the file may have taken over its decoder.
    answer = json.loads(await process.stdout.readline())
    if "error" in answer:
        raise PhotoError(str(answer["error"]))
    width, height = int(answer["width"]), int(answer["height"])
    if min(width, height) < 1 or width * height > pixels:
        raise ValueError("impossible size")
    rows = await process.stdout.readexactly(3 * width * height)
    return np.frombuffer(rows, np.uint8).reshape(height, width, 3)


def analyse(image: Image, models: Models, max_faces: int) -> EmotionFrame:
    """What is thought of each face in one picture, the largest first."""
    frame = VideoFrame(0, 0, Fraction(1, 1000), time.monotonic(), image)
    # Of a single frame the smoothed vote is the vote itself; but a label may be uncertain.
    with Session([frame], models, Inline(), max_faces=max_faces) as session:
        return next(session)


def to_values(face: FaceEmotion) -> dict[str, Any]:
    """A face for JSON: the box in pixels, opinions in the order of the six emotions or null."""
    box = face.box
    return {
        "track_id": face.track_id,
        "box": [round(value, 1) for value in (box.left, box.top, box.width, box.height)],
        "emotion": face.emotion,
        "confidence": round(face.confidence, 4),
        "label": face.label,
        "probabilities": _shares(face.probabilities),
        "eyes": _shares(face.eyes),
        "lips": _shares(face.lips),
        "blendshapes": _shares(face.blendshapes),
    }


def _shares(opinion: Probabilities | None) -> list[float] | None:
    return None if opinion is None else [round(share, 4) for share in opinion.tolist()]
