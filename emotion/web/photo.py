"""Analysing a single picture, and results as plain values."""

import io
import time
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Self

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps

from emotion.annotate import Models
from models.errors import EmotionError
from models.regions import Image
from realtime.assembly import Workers, stages
from realtime.ensemble import EnsembleOptions
from realtime.frames import EmotionFrame, FaceEmotion, Probabilities, VideoFrame

_FORMATS = ("JPEG", "PNG", "WEBP")


class PhotoError(EmotionError, ValueError):
    """What was sent is no picture that can be analysed."""

    exit_code = 3


def decode(data: bytes, pixels: int) -> Image:
    """A picture file as uint8 (h, w, 3) BGR, upright.

    Args:
        data: JPEG, PNG or WebP.
        pixels: the most that it may have; checked before it is decoded.

    Raises:
        PhotoError: it is none of these, damaged, or too large.
    """
    try:
        with PillowImage.open(io.BytesIO(data), formats=_FORMATS) as picture:
            if picture.width * picture.height > pixels:
                raise _too_large(f"{picture.width}x{picture.height}")
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (PillowImage.DecompressionBombError, PillowImage.DecompressionBombWarning) as error:
        raise _too_large("far too many") from error
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, PhotoError):
            raise
        raise PhotoError("This is not a JPEG, PNG or WebP picture that can be read: send one.") from error
    return np.ascontiguousarray(np.asarray(upright, dtype=np.uint8)[..., ::-1])


def _too_large(size: str) -> PhotoError:
    return PhotoError(f"The picture has {size} pixels, more than this server takes: scale it down.")


class OneByOne:
    """The pipeline's own stages for one stream, a frame after the other in the caller's thread.

    Where only the newest picture counts, a frame is done sooner so than when it waits in line
    between threads. A context manager; not thread-safe.

    Args:
        models: shared by all.
        max_faces, smooth: as in `AnnotateOptions`.
    """

    def __init__(self, models: Models, max_faces: int, smooth: float) -> None:
        steps = stages(models, max_faces, EnsembleOptions(smooth=smooth), Workers(1, 1, 1))
        self._stages = [step[0] if isinstance(step, Sequence) else step for step in steps]

    def __call__(self, frame: VideoFrame) -> EmotionFrame:
        """What is thought of a frame."""
        items: Sequence[Any] = [frame]
        for stage in self._stages:
            items = list(stage.process(items))
        (result,) = items
        assert isinstance(result, EmotionFrame)
        return result

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stage in self._stages:
            stage.close()


def analyse(image: Image, models: Models, max_faces: int) -> EmotionFrame:
    """What is thought of each face in one picture, the largest first."""
    frame = VideoFrame(0, 0, Fraction(1, 1000), time.monotonic(), image)
    # Of a single frame the smoothed vote is the vote itself; but a label may be uncertain.
    with OneByOne(models, max_faces, smooth=0.3) as look:
        return look(frame)


def to_values(face: FaceEmotion) -> dict[str, Any]:
    """A face for JSON: the box in pixels, opinions in the order of the six emotions or null."""
    box = face.box
    return {
        "track": face.track_id,
        "box": [round(value, 1) for value in (box.left, box.top, box.width, box.height)],
        "emotion": face.emotion,
        "confidence": round(face.confidence, 4),
        "label": face.label,
        "smoothed": _shares(face.smoothed),
        "eyes": _shares(face.eyes),
        "lips": _shares(face.lips),
    }


def _shares(opinion: Probabilities | None) -> list[float] | None:
    return None if opinion is None else [round(share, 4) for share in opinion.tolist()]
