"""A person's neutral face, as the baseline of their votes."""

import numpy as np
import numpy.typing as npt

from emotion.models.classes import SIX, Classes
from emotion.realtime.messages import Probabilities

# Limit of the correction, as a factor on a probability.
_LARGEST_FACTOR = 3.0
# A frame counts as neutral if neutral has at least this share of the largest probability.
_NEUTRAL_LOOKING = 0.5
# The mean vote for a neutral face (432 in web-faces' validation part; 0.59 to 0.62 of 495 in
# RAF-DB's); the rest is split equally among the others.
_NEUTRAL_SHARE = 0.55


class Baseline:
    """Normalises a person's votes by that person's own neutral face.

    A face may look a little sad or angry at rest. The first frames in which a person looks neutral
    (neutral has half of the largest share, or more) are collected until they fill `seconds`; the
    geometric mean of their votes is this person's resting profile. From then on each vote is
    multiplied by reference / profile and scaled to sum to one, where the reference is the mean vote for
    neutral faces. This is person-specific normalisation (Baltrusaitis et al. 2015, who subtract a
    person's median face) in the form for probabilities (Saerens et al. 2002: a change
    of the priors divides out). No factor exceeds 3.

    It helps only people who begin with a neutral face; others' votes do not change.

    Args:
        seconds: required length of neutral frames; 0: no correction.
        classes: of the votes; if none of them is `neutral`, there is no correction.
        requested: whether the user requested it now: then every frame counts, regardless of its expression.
    """

    def __init__(self, seconds: float, classes: Classes = SIX, requested: bool = False) -> None:
        if seconds < 0:
            raise ValueError(f"seconds of neutral face are not negative, not {seconds}")
        self._neutral = None if classes.neutral is None else classes.index(classes.neutral)
        self._needed = seconds
        self._requested = requested
        self._seen = 0.0
        self._last: float | None = None
        self._logs: npt.NDArray[np.float64] = np.zeros(len(classes))
        self._count = 0
        self._factors: npt.NDArray[np.float64] | None = None

    @property
    def ready(self) -> bool:
        """Whether votes are corrected already."""
        return self._factors is not None

    def update(self, seconds: float, vote: Probabilities) -> Probabilities:
        """The vote, corrected once there are enough neutral frames.

        Args:
            seconds: the frame's time, which never decreases.
            vote: float32 (classes,).
        """
        if self._factors is None and self._needed and self._neutral is not None:
            self._collect(seconds, vote, self._neutral)
        if self._factors is None:
            return vote
        corrected = vote * self._factors
        return np.asarray(corrected / corrected.sum(), dtype=np.float32)

    def _collect(self, seconds: float, vote: Probabilities, neutral: int) -> None:
        # A gap counts as one frame, since the face during it is unknown.
        step = min(seconds - self._last, 0.1) if self._last is not None else 0.0
        self._last = seconds
        if not self._requested and vote[neutral] < _NEUTRAL_LOOKING * vote.max():
            return
        self._seen += step
        self._logs += np.log(np.maximum(vote, 1e-3))
        self._count += 1
        if self._seen >= self._needed:
            profile = np.exp(self._logs / self._count)
            reference = np.full(len(vote), (1 - _NEUTRAL_SHARE) / (len(vote) - 1))
            reference[neutral] = _NEUTRAL_SHARE
            factors = reference / (profile / profile.sum())
            self._factors = np.clip(factors, 1 / _LARGEST_FACTOR, _LARGEST_FACTOR)
