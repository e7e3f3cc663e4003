"""Confidence intervals (95%) of measured rates."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Z95 = 1.959964
RESAMPLES = 1000

Weights = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured value and the 95% interval around it."""

    value: float
    low: float
    high: float


def wilson(rate: float, count: int) -> Interval:
    """The score interval of a share, which holds for small counts and at 0 and 1 (Wilson 1927).

    Args:
        rate: the share, in [0, 1].
        count: of independent observations; with 0 the interval is [0, 1].
    """
    if count == 0:
        return Interval(0.0, 0.0, 1.0)
    z2 = Z95**2
    middle = (rate + z2 / (2 * count)) / (1 + z2 / count)
    half = Z95 / (1 + z2 / count) * (rate * (1 - rate) / count + z2 / (4 * count**2)) ** 0.5
    return Interval(rate, max(0.0, middle - half), min(1.0, middle + half))


def bootstrap(
    groups: npt.NDArray[np.int64],
    statistic: Callable[[Weights], npt.NDArray[np.float64]],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Values of a statistic, and 95% intervals from drawing whole groups again and again.

    Faces of one group (copies of a photograph, frames of a video) are drawn together, because
    they are not independent. The interval is the basic one, 2 v - q (Davison & Hinkley 1997),
    which contains the value even if resampling shifts it a little.

    Args:
        groups: int64 (n,), the group of each face.
        statistic: float64 (n,) weights of the faces to float64 (m,) values.
        resamples: how often to draw.
        seed: of the draws; equal calls draw equally, so differences may be taken pairwise.

    Returns:
        float64 (m,) each: the values with every face once, and the intervals' ends.
    """
    value = statistic(np.ones(len(groups)))
    low, high = np.nanquantile(_draws(groups, statistic, resamples, seed), (0.025, 0.975), axis=0)
    return value, 2 * value - high, 2 * value - low


def bootstrap_size(
    groups: npt.NDArray[np.int64],
    gaps: Callable[[Weights], npt.NDArray[np.float64]],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """The sum of some gaps' sizes in [0, 1], as of a calibration error, and its 95% interval.

    Noise makes sizes larger, never smaller, so the sum of resampled ones is above the measured sum, and
    that above the true one: its quantiles do not contain the true value. But a sum of sizes differs from the
    true one by at most the sum of the gaps' errors (triangle inequality), which resampling
    estimates. The interval is conservative.

    Args:
        groups, resamples, seed: as of `bootstrap`.
        gaps: float64 (n,) weights of the faces to float64 (m,) gaps.
    """
    value = gaps(np.ones(len(groups)))
    reach = np.quantile(np.abs(_draws(groups, gaps, resamples, seed) - value).sum(axis=1), 0.95)
    size = float(np.abs(value).sum())
    return Interval(size, max(0.0, size - float(reach)), min(1.0, size + float(reach)))


def _draws(
    groups: npt.NDArray[np.int64],
    statistic: Callable[[Weights], npt.NDArray[np.float64]],
    resamples: int,
    seed: int,
) -> npt.NDArray[np.float64]:
    """The statistic, float64 (resamples, m), of groups that are drawn with replacement."""
    _, members = np.unique(groups, return_inverse=True)
    count = int(members.max(initial=-1)) + 1
    random = np.random.default_rng(seed)
    return np.array(
        [
            statistic(np.bincount(random.integers(count, size=count), minlength=count)[members].astype(float))
            for _ in range(resamples)
        ]
    )
