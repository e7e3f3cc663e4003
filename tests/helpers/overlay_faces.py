"""Faces and plain pictures for tests of the overlay."""

from fractions import Fraction

import numpy as np

from emotion.models.classes import Emotion
from emotion.realtime.drawing.options import DrawingOptions
from emotion.realtime.drawing.overlay import Overlay
from emotion.realtime.messages import Box, EmotionFrame, FaceEmotion, VideoFrame

QUIET = DrawingOptions(note="")


def flat(height, width, value=0):
    return np.full((height, width, 3), value, dtype=np.uint8)


def shares(emotion=Emotion.HAPPINESS, share=0.75):
    result = np.full(6, (1 - share) / 5, dtype=np.float32)
    result[emotion] = share
    return result


def face(box=(200, 100, 120, 150), track_id=1, probabilities=None, eyes=None, lips=None):
    probabilities = shares() if probabilities is None else probabilities
    regions = {"eyes": eyes, "lips": lips}
    return FaceEmotion(track_id, Box(*map(float, box)), regions, probabilities, probabilities)


def result(image, *faces, seconds=0.0):
    return EmotionFrame(VideoFrame(0, round(seconds * 1000), Fraction(1, 1000), 0.0, image), faces)


def draw(image, *faces, options=QUIET):
    return Overlay(options).draw(result(image, *faces))
