"""Probabilities of one person over time: smoothed by what was, or by what was and what follows.

All weights are of time, not of pictures: a new value counts 1 - exp(-dt / tau). So dropped pictures
and other frame rates change nothing.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotion.realtime.messages import Probabilities

# A side that is so much less like the vote than the other counts 1/e of it.
_LIKE = 0.07

OLD_SECONDS = 1.0
"""So long what was seen last stands for a face of which nothing is seen."""


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """What is known of a person at a moment.

    Attributes:
        shares: float32 (k,), smoothed; None where nothing is known: never, or not for `OLD_SECONDS`.
        age: seconds since the last vote; 0 where there is one now, infinite where nothing is known.
    """

    shares: Probabilities | None
    age: float


UNKNOWN = Smoothed(None, math.inf)


class Smoother:
    """Exponential smoothing of one person's probabilities by what was.

    Args:
        tau: seconds after which a change is 63% there; 0: no smoothing.
    """

    def __init__(self, tau: float) -> None:
        if tau < 0:
            raise ValueError(f"tau is in seconds and not negative, not {tau}")
        self._tau = tau
        self._last: tuple[float, Probabilities] | None = None

    def update(self, seconds: float, vote: Probabilities | None) -> Smoothed:
        """The smoothed vote; where there is no vote, what it was last, while that is not too old.

        Args:
            seconds: the picture's time, which does not go back.
            vote: float32 (k,), or None where nothing was seen.
        """
        if self._last is not None and seconds - self._last[0] > OLD_SECONDS and vote is None:
            self._last = None
        if vote is not None:
            past = self._last
            smoothed = vote if past is None else _blend(past[1], vote, seconds - past[0], self._tau)
            self._last = (seconds, smoothed)
        return UNKNOWN if self._last is None else Smoothed(self._last[1], seconds - self._last[0])


def both_ways(
    past: Smoothed,
    before: Smoothed,
    here: Probabilities | None,
    seconds: float,
    times: npt.NDArray[np.float64],
    votes: npt.NDArray[np.float32],
    tau: float,
    ends: bool = True,
) -> Smoothed:
    """What was and what follows, at one moment: a mean of smoothing forwards and of smoothing backwards.

    Where the two differ, the one that this moment is more like counts more, as in a bilateral filter (Tomasi
    and Manduchi 1998): so a step of the votes stays a step, whichever side is surer, at any frame rate,
    beside a beginning, an end or a gap, and however far one looks ahead. Each side is compared without the
    moment itself, which would otherwise be like whichever side consists of it alone: at a beginning what
    follows counts, at an end what was.

    Args:
        past: of a `Smoother`, with this moment's vote.
        before: of the same, at the moment before; `UNKNOWN` where there is none.
        here: what this moment's vote is, without flicker (`steady`); None where nothing is seen.
        seconds: the moment.
        times: (n,), of what is known from this moment on, itself first.
        votes: (n, k), at these times; NaN where nothing is seen.
        tau: as of `Smoother`.
        ends: whether nothing follows the last of them; else it is merely not known yet.
    """
    seen = ~np.isnan(votes[:, 0])
    if not seen.all():
        times, votes = times[seen], votes[seen]
    if not len(votes) or not tau:
        return past
    ahead = float(times[0]) - seconds
    future = _backwards(times, votes, tau)
    if past.shares is None:
        return Smoothed(future, ahead) if ahead <= OLD_SECONDS else past
    if here is None:  # the nearer side counts more
        mine, theirs = past.age / tau, ahead / tau
    elif before.shares is None:
        mine, theirs = math.inf, 0.0
    elif len(votes) == 1 and ends:
        mine, theirs = 0.0, math.inf
    else:
        mine = _unlike(here, before.shares) / _LIKE
        later = future if len(votes) == 1 else _backwards(times[1:], votes[1:], tau)
        theirs = _unlike(here, later) / _LIKE
    share = 1 / (1 + math.exp(min(max(theirs - mine, -700.0), 700.0)))
    mixed = np.asarray(past.shares + np.float32(share) * (future - past.shares), np.float32)
    return Smoothed(mixed, min(past.age, ahead))


def steady(votes: npt.NDArray[np.float32], now: int) -> Probabilities | None:
    """The median of a vote and as many before as after it: a step stays, a flicker goes.

    Args:
        votes: (n, k), nearby in the order of time; NaN where nothing is seen.
        now: which of them.

    Returns:
        float32 (k,); None where nothing is seen at that moment.
    """
    if np.isnan(votes[now, 0]):
        return None
    each = min(now, len(votes) - 1 - now)
    near = votes[now - each : now + each + 1]
    near = np.sort(near[~np.isnan(near[:, 0])], axis=0)
    half = len(near) // 2
    # As NumPy's median, which takes three times as long.
    return np.asarray(near[half] if len(near) % 2 else (near[half - 1] + near[half]) / 2, np.float32)


def _unlike(one: Probabilities, other: Probabilities) -> float:
    """Half the sum of the differences, in [0, 1]."""
    return float(np.abs(one - other).sum()) / 2


def _backwards(times: npt.NDArray[np.float64], votes: npt.NDArray[np.float32], tau: float) -> Probabilities:
    """The votes, float32 (n, k), smoothed from the last back to the first."""
    weights = np.exp((times[0] - times) / tau)
    weights[:-1] -= weights[1:]
    return np.asarray(weights @ votes, np.float32)


def _blend(old: Probabilities, new: Probabilities, dt: float, tau: float) -> Probabilities:
    share = 1 - math.exp(-dt / tau) if tau else 1.0
    return np.asarray(old + share * (new - old), dtype=np.float32)
