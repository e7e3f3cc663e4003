"""Room beside photographs that a face fills, so that its result can be drawn without covering the face."""

from dataclasses import replace

import cv2
import numpy as np

from emotion.models.regions import Image
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.messages import Box, EmotionFrame, FaceEmotion

# Text in a smaller picture, by its longer side in pixels, can hardly be read: it is enlarged to `_SMALLEST`.
_SMALL, _SMALLEST = 256, 480
# The width of the margin, in sizes of the longer side.
_MARGIN = 0.55
_GREY = 24
# In a crowd a margin does not help.
_MOST_FACES = 4


def with_margin(result: EmotionFrame, options: DrawingOptions) -> EmotionFrame:
    """The result of a photograph, with a margin on the right if a face's result has no room in it.

    Args:
        result: with the photograph's image.
        options: of the drawing.

    Returns:
        The result itself, or one of a larger picture; small ones are enlarged, with the faces in them.
    """
    if options.style == "none" or not 0 < len(result.faces) <= _MOST_FACES:
        return result
    image, small = result.frame.image, max(result.frame.shape[:2]) < _SMALL
    if not small and all(placed.place for placed in Overlay(options).plan(result)):
        return result
    scale = max(1.0, _SMALLEST / max(image.shape[:2]))
    return replace(
        result,
        frame=result.frame.with_image(_widened(image, scale)),
        faces=tuple(_scaled(face, scale) for face in result.faces),
    )


def clear_of_margin(widened: EmotionFrame, photograph: EmotionFrame) -> EmotionFrame:
    """The result of `with_margin` with boxes that end where the margin begins.

    A face that reaches out of the photograph would take room in the margin, and its corners be drawn there.
    """
    height, width = photograph.frame.shape[:2]
    edge = width * widened.frame.shape[0] / height

    def ended(box: Box) -> Box:
        return replace(box, width=min(box.width, max(1.0, edge - box.left)))

    return replace(widened, faces=tuple(replace(face, box=ended(face.box)) for face in widened.faces))


def _widened(image: Image, scale: float) -> Image:
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) if scale > 1 else image
    height, width = large.shape[:2]
    margin = round(_MARGIN * max(width, height))
    grey = (_GREY, _GREY, _GREY)
    return np.asarray(cv2.copyMakeBorder(large, 0, 0, 0, margin, cv2.BORDER_CONSTANT, value=grey), np.uint8)


def _scaled(face: FaceEmotion, scale: float) -> FaceEmotion:
    box = face.box
    scaled = Box(*(scale * value for value in (box.left, box.top, box.width, box.height)))
    points = None if face.points is None else face.points * np.float32(scale)
    return replace(face, box=scaled, points=points)
