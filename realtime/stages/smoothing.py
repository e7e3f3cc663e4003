"""Smooths the probabilities of one person over time: causally, or with later frames.

Weights depend on time, not on the number of pictures: a new value has the weight 1 - exp(-dt / tau), so that
results do not depend on dropped pictures and the frame rate.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emotion.realtime.messages import Probabilities

# A side whose distance from the vote is larger by this has a weight of 1/e.
_LIKE = 0.07

OLD_SECONDS = 1.0
"""Seconds for which the last result is kept for a hidden face."""


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """Smoothed probabilities of a person at one time.

    Attributes:
        shares: float32 (k,); None if there was no vote, or none for `OLD_SECONDS`.
        age: seconds since the last vote; 0 if there is one now, infinite if there was none.
    """

    shares: Probabilities | None
    age: float


UNKNOWN = Smoothed(None, math.inf)


class Smoother:
    """Causal exponential smoothing of one person's probabilities.

    Args:
        tau: time constant in seconds, after which 63% of a change have taken effect; 0: no smoothing.
    """

    def __init__(self, tau: float) -> None:
        if tau < 0:
            raise ValueError(f"tau is in seconds and not negative, not {tau}")
        self._tau = tau
        self._last: tuple[float, Probabilities] | None = None

    def update(self, seconds: float, vote: Probabilities | None) -> Smoothed:
        """The smoothed vote; without a vote the last value, until it is too old.

        Args:
            seconds: the picture's time, which never decreases.
            vote: float32 (k,); None if the face was not seen.
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
    near: npt.NDArray[np.float32],
    now: int,
    seconds: float,
    times: npt.NDArray[np.float64],
    votes: npt.NDArray[np.float32],
    tau: float,
    ends: bool = True,
) -> Smoothed:
    """Smoothing with earlier and later votes: a weighted mean of smoothing forwards and backwards.

    Where the two differ, the side that is more similar to the present vote has more weight, as in a bilateral
    filter (Tomasi and Manduchi 1998). So a step of the votes stays a step, whichever side is more certain, at
    any frame rate, beside a beginning, an end or a gap, and with any look-ahead. Each side is compared
    without the present vote, because a side that consists of it alone would always be the most similar. The
    first and the last vote, which are such a side, are weighted as the one beside them; where there are not
    three, the first takes the later ones, the last the earlier ones.

    Args:
        past: of a `Smoother`, with the present vote.
        before: of the same `Smoother` at the time before; `UNKNOWN` if there is none.
        near: float32 (m, k), votes around the present one in the order of time, NaN where the face is not
            seen; `now` is its index.
        seconds: the present time.
        times: (n,), the present time and the later ones that are known.
        votes: (n, k), at these times; NaN where the face is not seen.
        tau: as of `Smoother`.
        ends: whether the last of them is the end; otherwise more votes may follow.
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
    here = steady(near, now)
    if here is None:  # the nearer side counts more
        mine, theirs = past.age / tau, ahead / tau
    elif before.shares is None:
        mine, theirs = _at_the_first(times, votes, tau)
    elif len(votes) == 1 and ends:
        mine, theirs = _at_the_last(near[: now + 1], before.shares)
    else:
        later = future if len(votes) == 1 else _backwards(times[1:], votes[1:], tau)
        mine, theirs = _unlike(here, before.shares), _unlike(here, later)
    mixed = np.asarray(past.shares + np.float32(_share(mine, theirs)) * (future - past.shares), np.float32)
    return Smoothed(mixed, min(past.age, ahead))


def _at_the_first(
    times: npt.NDArray[np.float64], votes: npt.NDArray[np.float32], tau: float
) -> tuple[float, float]:
    """The distances of the first vote, and of those from the third on, from the second."""
    if len(votes) < 3:
        return math.inf, 0.0
    second = _median(votes[:3])
    return _unlike(second, votes[0]), _unlike(second, _backwards(times[2:], votes[2:], tau))


def _at_the_last(near: npt.NDArray[np.float32], before: Probabilities) -> tuple[float, float]:
    """The distances of the earlier votes, and of the last one, from the last but one."""
    seen = near[~np.isnan(near[:, 0])][-3:]
    if len(seen) < 3:
        return 0.0, math.inf
    last_but_one = _median(seen)
    return _unlike(last_but_one, before), _unlike(last_but_one, seen[-1])


def both_ways_of_all(
    pasts: Sequence[Smoothed],
    befores: Sequence[Smoothed],
    near: npt.NDArray[np.float32],
    now: int,
    seconds: float,
    times: npt.NDArray[np.float64],
    votes: npt.NDArray[np.float32],
    tau: float,
    ends: bool = True,
) -> tuple[Smoothed, ...]:
    """`both_ways` for the vote and the regions of a person, which have the same times.

    Those that are seen all the time are computed together: the same numbers in a third of the steps.

    Args:
        pasts, befores: see `both_ways`, for each.
        near: float32 (m, r, k), votes around the present one in the order of time; `now` is its index.
        votes: float32 (n, r, k), at the times.
    """
    gaps: list[bool] = np.isnan(np.concatenate([near[:, :, 0], votes[:, :, 0]])).any(axis=0).tolist()
    sides = {
        row: (past.shares, before.shares)
        for row, (past, before, gap) in enumerate(zip(pasts, befores, gaps, strict=True))
        if not gap and past.shares is not None and before.shares is not None
    }
    together = list(sides)
    done: dict[int, Smoothed] = {}
    if len(together) > 1 and len(votes) > 1 and tau:
        shares, earlier = (np.array(side) for side in zip(*sides.values(), strict=True))
        here, later = _median(_around(near[:, together], now)), votes[:, together]
        mine = (np.abs(here - earlier).sum(axis=1).astype(float) / 2 / _LIKE).tolist()
        rest = _backwards(times[1:], later[1:], tau)
        theirs = (np.abs(here - rest).sum(axis=1).astype(float) / 2 / _LIKE).tolist()
        weights = np.array([_share(*pair) for pair in zip(mine, theirs, strict=True)], np.float32)
        mixed = shares + weights[:, None] * (_backwards(times, later, tau) - shares)
        done = {row: Smoothed(one, 0.0) for row, one in zip(together, mixed, strict=True)}
    return tuple(
        done.get(row) or both_ways(past, before, near[:, row], now, seconds, times, votes[:, row], tau, ends)
        for row, (past, before) in enumerate(zip(pasts, befores, strict=True))
    )


def steady(votes: npt.NDArray[np.float32], now: int) -> Probabilities | None:
    """The median of a vote and as many votes before as after it, which keeps steps and removes flicker.

    Args:
        votes: (n, k), around the present one in the order of time; NaN where the face is not seen.
        now: index of the present one.

    Returns:
        float32 (k,); None if the face is not seen at that time.
    """
    if np.isnan(votes[now, 0]):
        return None
    near = _around(votes, now)
    return _median(near[~np.isnan(near[:, 0])])


def _around(votes: npt.NDArray[np.float32], now: int) -> npt.NDArray[np.float32]:
    """One of several, and as many before as after it."""
    each = min(now, len(votes) - 1 - now)
    return votes[now - each : now + each + 1]


def _median(votes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The median of each column; the same as NumPy's in a third of the time."""
    ordered = np.sort(votes, axis=0)
    half = len(ordered) // 2
    middle = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
    return np.asarray(middle, np.float32)


def _share(mine: float, theirs: float) -> float:
    """The weight of the later votes, from how much either side differs from the present vote."""
    return 1 / (1 + math.exp(min(max(theirs - mine, -700.0), 700.0)))


def _unlike(one: Probabilities, other: Probabilities) -> float:
    """Total variation distance in units of `_LIKE`."""
    return float(np.abs(one - other).sum()) / 2 / _LIKE


def _backwards(times: npt.NDArray[np.float64], votes: npt.NDArray[np.float32], tau: float) -> Probabilities:
    """The votes, float32 (n, k) or (n, r, k), smoothed backwards to the first."""
    weights = np.exp((times[0] - times) / tau)
    weights[:-1] -= weights[1:]
    # Of several rows each is multiplied by itself: the sums are the same to the last bit.
    return np.asarray(weights @ (votes if votes.ndim == 2 else votes.transpose(1, 0, 2)), np.float32)


def _blend(old: Probabilities, new: Probabilities, dt: float, tau: float) -> Probabilities:
    share = 1 - math.exp(-dt / tau) if tau else 1.0
    return np.asarray(old + share * (new - old), dtype=np.float32)
