"""Frames and faces as the stages before a test's own would give them, without their engines."""

from fractions import Fraction

import numpy as np

from emotion.models.regions import EYES, LIPS, Crop
from emotion.realtime.messages import Box, Face, PredictionFrame, VideoFrame


def frame(index, seconds=None):
    """A small black picture; at `index` seconds where no time is given."""
    time = index if seconds is None else seconds
    return VideoFrame(index, round(1000 * time), Fraction(1, 1000), 0.0, np.zeros((8, 8, 3), np.uint8))


def face(eyes_visible=1.0, lips_visible=1.0, mark=0, left=0.0):
    """A face 100 pixels wide whose crops are all of one gray level."""
    eyes = Crop(np.full(EYES.size, mark, np.uint8), eyes_visible)
    lips = Crop(np.full(LIPS.size, mark, np.uint8), lips_visible)
    return Face(Box(left, 0.0, 100.0, 120.0), np.zeros((478, 2), np.float32), (eyes, lips))


def sure(*emotions):
    """Float32 (n, 6): a row an emotion, which has all of its probability."""
    return np.eye(6, dtype=np.float32)[list(emotions)]


def prediction_frame(seconds, faces, *emotions):
    """A frame of faces on each of which both models agree and are sure."""
    rows = sure(*emotions).reshape(-1, 6)
    return PredictionFrame(frame(0, seconds), tuple(faces), np.stack([rows, rows]))
