"""The vote of both models on each face, and its smoothing over time."""

import math
from dataclasses import dataclass

import numpy as np

from models.emotions import EMOTIONS
from models.vote import VoteWeights
from realtime.frames import EmotionFrame, Face, FaceEmotion, FaceFrame, Probabilities

# A track unseen for longer starts its smoothing anew.
FORGET_SECONDS = 2.0
_UNKNOWN = np.full(len(EMOTIONS), 1 / len(EMOTIONS), dtype=np.float32)


class Smoother:
    """Exponential smoothing of probabilities along each track, by time and not by frames.

    A new value counts 1 - exp(-dt / tau), so dropped frames and other frame rates change nothing.

    Args:
        tau: seconds after which a change is 63% there; 0: no smoothing.
    """

    def __init__(self, tau: float) -> None:
        if tau < 0:
            raise ValueError(f"tau is in seconds and not negative, not {tau}")
        self._tau = tau
        self._state: dict[int, tuple[float, Probabilities]] = {}

    def update(self, track_id: int, seconds: float, vote: Probabilities | None) -> Probabilities:
        """The smoothed vote of a track; where there is no vote, what it was last."""
        self._state = {k: v for k, v in self._state.items() if 0 <= seconds - v[0] <= FORGET_SECONDS}
        last = self._state.get(track_id)
        if vote is None:
            return last[1] if last else _UNKNOWN
        smoothed = vote if last is None else self._blend(last[1], vote, seconds - last[0])
        self._state[track_id] = (seconds, smoothed)
        return smoothed

    def _blend(self, old: Probabilities, new: Probabilities, dt: float) -> Probabilities:
        share = 1 - math.exp(-dt / self._tau) if self._tau else 1.0
        return np.asarray(old + share * (new - old), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class EnsembleOptions:
    """How opinions become an answer.

    Attributes:
        smooth: time constant of the smoothing in seconds; 0: none.
        min_visible: share of a region that must lie inside the picture for it to vote.
    """

    smooth: float = 0.3
    min_visible: float = 0.6


class Ensemble:
    """Turns both models' probabilities for the faces of a frame into an `EmotionFrame`.

    Args:
        weights: of the vote.
        options: `EnsembleOptions()` where not given.
    """

    def __init__(self, weights: VoteWeights, options: EnsembleOptions | None = None) -> None:
        self._weights = weights
        self._options = options or EnsembleOptions()
        self._smoother = Smoother(self._options.smooth)

    def sees(self, face: Face) -> tuple[bool, bool]:
        """Whether enough of the eyes and of the lips is in the picture to vote."""
        least = self._options.min_visible
        return face.eyes.visible >= least, face.lips.visible >= least

    def decide(self, frame: FaceFrame, eyes: Probabilities, lips: Probabilities) -> EmotionFrame:
        """The result for a frame.

        Args:
            frame: with n faces.
            eyes, lips: float32 (n, 6), each model's probabilities; rows of regions that are not
                seen may hold anything.
        """
        if not frame.faces:
            return EmotionFrame(frame.frame, ())
        seen = [self.sees(face) for face in frame.faces]
        eyes_seen, lips_seen = np.array(seen, dtype=bool).T
        votes = self._weights.vote(eyes, lips, (eyes_seen, lips_seen))
        faces = []
        for index, (face, (eyes_vote, lips_vote)) in enumerate(zip(frame.faces, seen, strict=True)):
            vote = votes[index] if eyes_vote or lips_vote else None
            faces.append(
                FaceEmotion(
                    face.track_id,
                    face.box,
                    eyes=eyes[index] if eyes_vote else None,
                    lips=lips[index] if lips_vote else None,
                    vote=vote,
                    smoothed=self._smoother.update(face.track_id, frame.frame.seconds, vote),
                )
            )
        return EmotionFrame(frame.frame, tuple(faces))
