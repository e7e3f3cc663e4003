"""What a whole video is called: the one place where that is decided.

Its emotion is the one with the largest mean probability over the time in which faces are seen, and that mean
is its confidence. It is `UNCERTAIN` where the mean is too low to name anything, and where the faces
themselves are called so for most of their time: a video says no more than its pictures.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from emotion.models.classes import UNCERTAIN
from emotion.models.statistics.shares import NO_FACE

CERTAIN = 0.34
"""The mean probability from which a video is given a name; as for a face (`VoteOptions.certain`)."""
_MOST_UNCERTAIN = 0.5


@dataclass(frozen=True, slots=True)
class VideoEmotion:
    """A video's emotion.

    Attributes:
        label: what it is called: `emotion`, or `UNCERTAIN`.
        emotion: with the largest mean.
        confidence: that mean, in [0, 1].
    """

    label: str
    emotion: str
    confidence: float


def video_emotion(
    mean: Mapping[str, float], shares: Mapping[str, float], certain: float = CERTAIN
) -> VideoEmotion:
    """Decide it.

    Args:
        mean: by emotion, the mean probability over the time in which something is known of faces.
        shares: of the video's time, by label and `NO_FACE`.
        certain: the least mean that gives a name.
    """
    emotion = max(mean, key=mean.__getitem__)
    confidence = mean[emotion]
    with_faces = 1 - shares.get(NO_FACE, 0.0)
    doubted = shares.get(UNCERTAIN, 0.0) > _MOST_UNCERTAIN * with_faces
    return VideoEmotion(UNCERTAIN if doubted or confidence < certain else emotion, emotion, confidence)
