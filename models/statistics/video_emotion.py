"""The emotion of a whole video, or of a person over time: the only place where it is decided.

People look neutral most of the time, and a clip is called after its apex, not after what lies between. So an
emotion's strength is the quadratic mean of its probability over the time in which faces are seen, in which a
moment that clearly shows something outweighs long ones that hint at it; the neutral state's counts
`NEUTRAL_COUNTS` of it. Strengths are made to sum to one. The strongest emotion is the video's, and its share
is the confidence.

What a video is called agrees with its pictures. It is named after the strongest emotion that its faces are
called by: one that is hinted at throughout and never named names no video. It is `UNCERTAIN` where the faces
are called so for most of their time, and where no strength is enough for a name; but not if they are called
by one emotion for most of their time: then that is the name.

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
"""The strength from which a video is given a name; as for a face (`VoteOptions.certain`)."""
NEUTRAL_COUNTS = 0.7
_MOST = 0.5
# From this share of the time with faces on an emotion may name a video: what rounds to nothing may not.
_SEEN = 0.01


@dataclass(frozen=True, slots=True)
class VideoEmotion:
    """A video's emotion.

    Attributes:
        label: what it is called: an emotion that its faces are called by, or `UNCERTAIN`.
        emotion: the strongest.
        confidence: the strength of `emotion`, in [0, 1].
    """

    label: str
    emotion: str
    confidence: float


def strengths(squares: Mapping[str, float], neutral: str | None) -> dict[str, float]:
    """How strong each emotion is over a time; the sum is 1.

    Args:
        squares: by emotion, the mean (or sum) of its squared probability over the time in which something is
            known of faces; not all are 0.
        neutral: which of them is the neutral state; None where there is none.
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
        certain: the least strength that gives a name.
    """
    emotion = max(strength, key=strength.__getitem__)
    with_faces = 1 - shares.get(NO_FACE, 0.0)
    named = {name: strength[name] for name in strength if shares.get(name, 0.0) >= _SEEN * with_faces}
    return VideoEmotion(_label(named, shares, with_faces, certain), emotion, strength[emotion])


def _label(named: Mapping[str, float], shares: Mapping[str, float], with_faces: float, certain: float) -> str:
    """What a video is called, from the strengths of the emotions that its faces are called by."""
    most = _MOST * with_faces
    if not named or shares.get(UNCERTAIN, 0.0) > most:
        return UNCERTAIN
    strongest = max(named, key=named.__getitem__)
    if named[strongest] >= certain:
        return strongest
    commonest = max(named, key=lambda name: shares[name])
    return commonest if shares[commonest] > most else UNCERTAIN
