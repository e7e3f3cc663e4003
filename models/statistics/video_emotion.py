"""The emotion of a whole video, or of a person over time: the only place where it is decided.

People look neutral most of the time, and annotators label a clip by its apex. So an
emotion's strength is the root mean square of its probability over the time in which faces are seen, so that a
short, clear expression outweighs a long, weak one; that of neutral counts `NEUTRAL_COUNTS` times. Strengths
are scaled to a sum of one. The strongest emotion is the video's, and its share is the confidence.

The label of a video agrees with the labels of its frames. It is the strongest emotion that is also a label of
its faces. It is `UNCERTAIN` if the faces are uncertain for most of their time, and if no strength reaches the
threshold, unless one emotion is the label for most of the faces' time: then that is the label.

On sequences made of photographs (`docs/records/models2-log.md`) this finds three to fifteen times as many
clips that show their emotion for a third of their time as the plain mean does; it loses 0 to 9 in a hundred
clips that stay neutral. It needs two sums for each emotion, so it is known at any time of a live stream.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from emotion.models.classes import UNCERTAIN
from emotion.models.statistics.shares import NO_FACE

CERTAIN = 0.34
"""The smallest strength for a video's label; as for a face (`VoteOptions.certain`)."""
NEUTRAL_COUNTS = 0.7
_MOST = 0.5
# The smallest share of face time for a video's label: less rounds to 0%.
_SEEN = 0.01


@dataclass(frozen=True, slots=True)
class VideoEmotion:
    """A video's emotion.

    Attributes:
        label: an emotion that is a label of its faces, or `UNCERTAIN`.
        emotion: the strongest.
        confidence: the strength of `emotion`, in [0, 1].
    """

    label: str
    emotion: str
    confidence: float


def strengths(squares: Mapping[str, float], neutral: str | None) -> dict[str, float]:
    """The strength of each emotion over a period; the sum is 1.

    Args:
        squares: by emotion, the mean (or sum) of its squared probability over the time with a result
            for a face; not all are 0.
        neutral: which of them is neutral; None if there is none.
    """
    counts = dict.fromkeys(squares, 1.0) | ({neutral: NEUTRAL_COUNTS} if neutral in squares else {})
    counted = {name: counts[name] * sqrt(value) for name, value in squares.items()}
    total = sum(counted.values())
    return {name: value / total for name, value in counted.items()}


def video_emotion(
    strength: Mapping[str, float], shares: Mapping[str, float], certain: float = CERTAIN
) -> VideoEmotion:
    """Decide it.

    Args:
        strength: by emotion, from `strengths`.
        shares: of the video's time, by label and `NO_FACE`.
        certain: the smallest strength for a label.
    """
    emotion = max(strength, key=strength.__getitem__)
    with_faces = 1 - shares.get(NO_FACE, 0.0)
    named = {name: strength[name] for name in strength if shares.get(name, 0.0) >= _SEEN * with_faces}
    return VideoEmotion(_label(named, shares, with_faces, certain), emotion, strength[emotion])


def _label(named: Mapping[str, float], shares: Mapping[str, float], with_faces: float, certain: float) -> str:
    """The label of a video, from the strengths of the emotions that are labels of its faces."""
    most = _MOST * with_faces
    if not named or shares.get(UNCERTAIN, 0.0) > most:
        return UNCERTAIN
    strongest = max(named, key=named.__getitem__)
    if named[strongest] >= certain:
        return strongest
    commonest = max(named, key=lambda name: shares[name])
    return commonest if shares[commonest] > most else UNCERTAIN
