"""Results as a pipeline would give them, without a pipeline."""

from fractions import Fraction

import numpy as np

from emotion.models.classes import EMOTIONS
from emotion.realtime.messages import Box, EmotionFrame, FaceEmotion, VideoFrame


def video_frame(index, pts=None, size=(48, 64), time_base=Fraction(1, 1000)):
    picture = np.zeros((*size, 3), np.uint8)
    return VideoFrame(index, 40 * index if pts is None else pts, time_base, 0.0, picture)


def sure(emotion, share=1.0):
    """Probabilities that give one emotion `share` and the rest the others alike."""
    values = np.full(len(EMOTIONS), (1 - share) / (len(EMOTIONS) - 1), np.float32)
    values[EMOTIONS.index(emotion)] = share
    return values


def face(emotion, track=1, share=0.9, eyes=True, lips=True, box=Box(10, 8, 20, 24), **more):  # noqa: B008
    """A face on which all that is seen agrees; `more` are further fields of `FaceEmotion`."""
    prediction = sure(emotion, share)
    regions = {"eyes": prediction if eyes else None, "lips": prediction if lips else None}
    return FaceEmotion(track, box, regions, prediction, prediction, **more)


def result(index, *faces, pts=None):
    return EmotionFrame(video_frame(index, pts), tuple(faces))
