"""Analyses one picture for the HTTP interface and the cameras, with results as plain values."""

import time
from fractions import Fraction
from typing import Any

from emotion.models.regions import Image
from emotion.realtime.messages import EmotionFrame, FaceEmotion, Probabilities, VideoFrame
from emotion.realtime.options import Options
from emotion.realtime.session import EachPicture, Models, Session


def analyse(image: Image, models: Models, options: Options) -> EmotionFrame:
    """The result of each face in one photograph, the largest first, as from `emotion annotate`."""
    frame = VideoFrame(0, 0, Fraction(1, 1000), time.monotonic(), image)
    with Session([frame], options, models, EachPicture(inline=True)) as session:
        return next(session)


def to_values(face: FaceEmotion) -> dict[str, Any]:
    """A face for JSON: the box in pixels, shares in the order of the classes or null."""
    box = face.box
    return {
        "track_id": face.track_id,
        "box": [round(value, 1) for value in (box.left, box.top, box.width, box.height)],
        "emotion": face.emotion,
        "confidence": None if face.confidence is None else round(face.confidence, 4),
        "label": face.label,
        "probabilities": _shares(face.probabilities_of("probabilities")),
        **{name: _shares(said) for name, said in face.regions.items()},
        "blendshapes": _shares(face.blendshapes),
    }


def _shares(probabilities: Probabilities | None) -> list[float] | None:
    return None if probabilities is None else [round(share, 4) for share in probabilities.tolist()]
